/**
 * Which operations have been placed, and the exact key of that set for the memory of configurations. Everything called
 * long ago is placed, and nothing called too late is, so that a few words around the present say it all.
 */
import type { Operation } from '../history/operation.js';
import type { Configuration } from './configurations.js';

export class PlacedSet {
  readonly #key: Int32Array;
  /** The bit of an operation: answered ones in the order of their calls, then, from a new word on, the others. */
  readonly #bit: Int32Array;
  readonly #words: Int32Array;
  readonly #unknownFrom: number;
  /** By answered operation: how many answered ones had been called by its answer. */
  readonly #calledBy: Int32Array;

  constructor(operations: readonly Operation[]) {
    const known = operations.flatMap(({ outcome }, index) => (outcome === 'unknown' ? [] : [index]));
    const unknown = operations.flatMap(({ outcome }, index) => (outcome === 'unknown' ? [index] : []));
    this.#unknownFrom = (known.length + 31) >> 5;
    this.#words = new Int32Array(this.#unknownFrom + ((unknown.length + 31) >> 5));
    this.#bit = new Int32Array(operations.length);
    for (const [rank, index] of known.entries()) this.#bit[index] = rank;
    for (const [rank, index] of unknown.entries()) this.#bit[index] = (this.#unknownFrom << 5) + rank;
    this.#calledBy = calledBy(operations, known);
    this.#key = new Int32Array(this.#words.length + 8);
  }

  has(operation: number): boolean {
    const bit = this.#bit[operation] as number;
    return (((this.#words[bit >> 5] as number) >>> (bit & 31)) & 1) === 1;
  }

  add(operation: number): void {
    const bit = this.#bit[operation] as number;
    this.#words[bit >> 5] = (this.#words[bit >> 5] as number) | (1 << (bit & 31));
  }

  delete(operation: number): void {
    const bit = this.#bit[operation] as number;
    this.#words[bit >> 5] = (this.#words[bit >> 5] as number) & ~(1 << (bit & 31));
  }

  /**
   * The set together with a state, as a configuration that is good until the next call. `firstCalled` and
   * `firstAnswered` are the first ones that are not placed; between the call of the one and the answer of the other
   * lies all that differs.
   */
  configuration(
    state: number,
    restriction: readonly number[],
    firstCalled: number,
    firstAnswered: number,
  ): Configuration {
    const words = this.#key;
    const from = this.#bit[firstCalled] as number;
    let length = 0;
    words[length++] = state;
    words[length++] = from;
    const end = ((this.#calledBy[firstAnswered] as number) + 31) >> 5;
    for (let word = from >> 5; word < end; word += 1) words[length++] = this.#words[word] as number;
    const head = length;
    for (let word = this.#unknownFrom; word < this.#words.length; word += 1)
      words[length++] = this.#words[word] as number;
    const spent = length - head;
    for (const word of restriction) words[length++] = word;
    return { words, head, spent, restriction: restriction.length };
  }
}

function calledBy(operations: readonly Operation[], known: readonly number[]): Int32Array {
  const counts = new Int32Array(operations.length);
  const answer = (index: number) => (operations[index] as Operation).answer;
  let called = 0;
  for (const index of [...known].sort((a, b) => answer(a) - answer(b))) {
    while (called < known.length && (operations[known[called] as number] as Operation).call < answer(index))
      called += 1;
    counts[index] = called;
  }
  return counts;
}
