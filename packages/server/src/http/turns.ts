/**
 * Lets the steps of many watches take turns with everything else: in one turn of the loop as many as a short time
 * allows, in the order in which they came. However many are woken by one write, nobody else must wait for all of them.
 */

/** Steps are begun in one turn for so long. */
const TURN_MS = 2;

export class Turns {
  readonly #waiting: (() => void)[] = [];
  #scheduled = false;

  /** Runs `step` in one of the next turns, and resolves and rejects as it does. */
  run<T>(step: () => Promise<T>): Promise<T> {
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
      do this.#waiting.shift()?.();
      while (this.#waiting.length > 0 && performance.now() < endMs);
      if (this.#waiting.length > 0) this.#schedule();
    });
  }
}
