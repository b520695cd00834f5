/**
 * Waiting for conditions: every test here waits for what it waits for, and for nothing else. Nothing may sleep.
 */

/** Lets the tests wait for a condition: `notify` after every event, `until` settles once the condition holds. */
export class Events {
  #waiting: { condition: () => boolean; resolve: () => void }[] = [];

  notify(): void {
    const holds = this.#waiting.filter(({ condition }) => condition());
    this.#waiting = this.#waiting.filter((waiter) => !holds.includes(waiter));
    for (const { resolve } of holds) resolve();
  }

  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ condition, resolve }));
  }
}

/** Resolves after so many turns of the loop: what was on its way in this process has arrived. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
