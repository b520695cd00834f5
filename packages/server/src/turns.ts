/**
 * Lets the steps of many that go on for long (watches, exports, pages) take turns with everything else: in one turn of
 * the loop a few, in the order in which they came. However many there are, nobody else must wait for all of them.
 */

/** Steps are begun in one turn for so long. */
const TURN_MS = 2;
/** And so many at most: what a step sends leaves the process only behind all of them, after that time. */
const TURN_STEPS = 64;

export class Turns {
  readonly #waiting: (() => void)[] = [];
  #scheduled = false;

  /** Runs `step` in one of the next turns, and resolves and rejects as it does. */
  run<T>(step: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve) => {
      // So that what it throws at once is a rejection, too.
      const begin = async () => step();
      this.#waiting.push(() => resolve(begin()));
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const endMs = performance.now() + TURN_MS;
      for (let begun = 0; begun < TURN_STEPS && (begun === 0 || performance.now() < endMs); begun += 1) {
        this.#waiting.shift()?.();
      }
      if (this.#waiting.length > 0) this.#schedule();
    });
  }
}
