/**
 * The one source of chance in a simulated run: sfc32 (Chris Doty-Humphrey, PractRand), seeded through splitmix32. The
 * same seed gives the same numbers on every machine; it must never be mixed with Math.random or a clock, or a failing
 * seed cannot be run again.
 */

export class Prng {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  /** `seed`: any safe integer. */
  constructor(seed: number) {
    let state = (seed ^ Math.floor(seed / 0x1_0000_0000)) >>> 0;
    const splitMix = () => {
      state = (state + 0x9e37_79b9) >>> 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0_aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a_2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    };
    this.#a = splitMix();
    this.#b = splitMix();
    this.#c = splitMix();
    for (let warmUp = 0; warmUp < 12; warmUp += 1) this.#next32();
  }

  /** A number in [0, 1). */
  next(): number {
    return this.#next32() / 0x1_0000_0000;
  }

  /** A whole number from `minimum` to `maximum`, both included. */
  integer(minimum: number, maximum: number): number {
    return minimum + Math.floor(this.next() * (maximum - minimum + 1));
  }

  /** A number in [minimum, maximum). */
  between(minimum: number, maximum: number): number {
    return minimum + this.next() * (maximum - minimum);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A waiting time of a memoryless process with the given mean: many short ones, few long ones. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }

  /** One of the items, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('pick needs at least one item');
    return items[this.integer(0, items.length - 1)] as T;
  }

  /** The items in random order; the argument stays as it is. */
  shuffle<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let last = result.length - 1; last > 0; last -= 1) {
      const other = this.integer(0, last);
      [result[last], result[other]] = [result[other] as T, result[last] as T];
    }
    return result;
  }

  /** A generator of its own for one part of the world, so that a part that draws more does not shift the others. */
  fork(): Prng {
    return new Prng(this.#next32() * 0x10_0000 + (this.#next32() >>> 12));
  }

  #next32(): number {
    const sum = (((this.#a + this.#b) >>> 0) + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }
}
