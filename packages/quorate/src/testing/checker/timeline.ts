/**
 * Calls and answers of the operations that are still to be placed, in the order in which they happened: a linked list
 * from which a placed operation is lifted, and into which it is put back in the opposite order. An operation may come
 * next when it was called before the first answer in the list (Wing and Gong 1993, Lowe 2017).
 */
import type { Operation } from '../history/operation.js';

/** The entry in front of all, and the one behind. */
const FIRST = 0;

export class Timeline {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** By entry: the operation that is called (itself) or answered (its complement). */
  readonly #meaning: Int32Array;
  readonly #callEntry: Int32Array;
  readonly #answerEntry: Int32Array;
  readonly #last: number;

  /** Operations of unknown outcome are not in the list: they hold nothing back. */
  constructor(operations: readonly Operation[]) {
    const entries = operations
      .flatMap(({ call, answer, outcome }, index) => {
        if (outcome === 'unknown') return [];
        return [
          { at: call, meaning: index },
          { at: answer, meaning: ~index },
        ];
      })
      .sort((a, b) => a.at - b.at);
    this.#last = entries.length + 1;
    this.#next = Int32Array.from({ length: entries.length + 2 }, (_, entry) => entry + 1);
    this.#previous = Int32Array.from({ length: entries.length + 2 }, (_, entry) => entry - 1);
    this.#meaning = new Int32Array(entries.length + 2);
    this.#callEntry = new Int32Array(operations.length);
    this.#answerEntry = new Int32Array(operations.length);
    for (const [index, { meaning }] of entries.entries()) {
      this.#meaning[index + 1] = meaning;
      if (meaning >= 0) this.#callEntry[meaning] = index + 1;
      else this.#answerEntry[~meaning] = index + 1;
    }
  }

  get isEmpty(): boolean {
    return this.#next[FIRST] === this.#last;
  }

  /** The operation that was called first, of those that are left. */
  get firstCalled(): number {
    return this.#meaning[this.#next[FIRST] as number] as number;
  }

  /**
   * Gives the operations that may come next to `visit`, in the order of their calls. It may lift the one it was given,
   * and says whether it did. Returns the operation that is answered first of those left, -1 when none is.
   */
  candidates(visit: (operation: number) => boolean): number {
    let previous = FIRST;
    for (;;) {
      const entry = this.#next[previous] as number;
      if (entry === this.#last) return -1;
      const meaning = this.#meaning[entry] as number;
      if (meaning < 0) return ~meaning;
      if (!visit(meaning)) previous = entry;
    }
  }

  lift(operation: number): void {
    this.#unlink(this.#callEntry[operation] as number);
    this.#unlink(this.#answerEntry[operation] as number);
  }

  putBack(operation: number): void {
    this.#link(this.#answerEntry[operation] as number);
    this.#link(this.#callEntry[operation] as number);
  }

  #unlink(entry: number): void {
    const next = this.#next[entry] as number;
    const previous = this.#previous[entry] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #link(entry: number): void {
    this.#next[this.#previous[entry] as number] = entry;
    this.#previous[this.#next[entry] as number] = entry;
  }
}
