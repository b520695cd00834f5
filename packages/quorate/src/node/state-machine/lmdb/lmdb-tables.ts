/**
 * The tables of one environment, as one transaction sees them. They must never be used beyond their transaction: what
 * was a view would then be another one, or memory that is not theirs any more.
 */
import type { LmdbRange, LmdbTable, LmdbTransaction } from './lmdb-binding.js';
import {
  checkValue,
  type KeyKind,
  type KeyOf,
  keyFromBytes,
  keyToBytes,
  type ReadableTable,
  type Table,
} from './tables.js';

type Key = KeyOf<KeyKind>;
type Entry = readonly [key: Key, value: Uint8Array];

/** What all tables of one read have in common. */
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

export class LmdbReadableTable implements ReadableTable<Key> {
  readonly #table: LmdbTable;
  readonly #kind: KeyKind;
  readonly #scope: ReadScope;

  constructor(table: LmdbTable, kind: KeyKind, scope: ReadScope) {
    this.#table = table;
    this.#kind = kind;
    this.#scope = scope;
  }

  get(key: Key): Uint8Array | undefined {
    this.#scope.assertOpen();
    return this.#table.getBinary(keyToBytes(this.#kind, key), this.#scope.options);
  }

  *entries(from?: Key): IterableIterator<Entry> {
    this.#scope.assertOpen();
    const start = from === undefined ? {} : { start: keyToBytes(this.#kind, from) };
    const range = this.#table.getRange({ ...start, ...this.#scope.options });
    const iterator = range[Symbol.iterator]();
    this.#scope.opened(iterator);
    try {
      for (;;) {
        const { done, value } = iterator.next();
        if (done) return;
        yield [keyFromBytes(this.#kind, value.key), value.value];
        this.#scope.assertOpen();
      }
    } finally {
      iterator.return?.();
      this.#scope.closed(iterator);
    }
  }
}

/** Lives in the one write transaction that is open. */
export class LmdbWritableTable implements Table<Key> {
  readonly #table: LmdbTable;
  readonly #kind: KeyKind;
  readonly #assertOpen: () => void;

  constructor(table: LmdbTable, kind: KeyKind, assertOpen: () => void) {
    this.#table = table;
    this.#kind = kind;
    this.#assertOpen = assertOpen;
  }

  get(key: Key): Uint8Array | undefined {
    this.#assertOpen();
    return this.#table.getBinary(keyToBytes(this.#kind, key));
  }

  set(key: Key, value: Uint8Array): void {
    this.#assertOpen();
    checkValue(value);
    this.#table.putSync(keyToBytes(this.#kind, key), value);
  }

  delete(key: Key): boolean {
    this.#assertOpen();
    return this.#table.removeSync(keyToBytes(this.#kind, key));
  }

  /** Looked up anew for each entry: a cursor would not survive every change that comes between two of them. */
  *entries(from?: Key): IterableIterator<Entry> {
    let range: LmdbRange = from === undefined ? { limit: 1 } : { start: keyToBytes(this.#kind, from), limit: 1 };
    for (;;) {
      this.#assertOpen();
      const [next] = this.#table.getRange(range);
      if (next === undefined) return;
      yield [keyFromBytes(this.#kind, next.key), next.value];
      range = { start: next.key, exclusiveStart: true, limit: 1 };
    }
  }
}
