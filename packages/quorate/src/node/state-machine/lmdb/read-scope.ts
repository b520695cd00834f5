/**
 * What all tables of one read have in common: its transaction, and the walks along them that are not over. It must
 * never let the transaction go while a walk holds a place in it: LMDB would read memory that is not its own any more.
 */
import type { LmdbTransaction } from './lmdb-binding.js';

export class ReadScope {
  readonly options: { readonly transaction: LmdbTransaction };
  readonly #iterators = new Set<Iterator<unknown>>();
  #ended: (() => Error) | null = null;

  constructor(transaction: LmdbTransaction) {
    this.options = { transaction };
  }

  /** Throws the reason why the read is over. */
  assertOpen(): void {
    if (this.#ended !== null) throw this.#ended();
  }

  opened(iterator: Iterator<unknown>): void {
    this.#iterators.add(iterator);
  }

  closed(iterator: Iterator<unknown>): void {
    this.#iterators.delete(iterator);
  }

  /** Closes what is open still. False when it was over before. */
  end(reason: () => Error): boolean {
    if (this.#ended !== null) return false;
    this.#ended = reason;
    for (const iterator of this.#iterators) iterator.return?.();
    this.#iterators.clear();
    this.options.transaction.done();
    return true;
  }
}
