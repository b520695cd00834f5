/**
 * Who waits for the state machine to reach an index. Woken when the index that readers see has moved, for every kind
 * of entry (R6). It must leave nothing behind for a waiter that gave up, and never hold more than its limit (R9).
 */
import { Overloaded } from '../errors/index.js';

interface Waiter {
  readonly index: number;
  readonly settle: (error: unknown) => void;
}

export class AppliedWaiters {
  readonly #limit: number;
  /** Sorted by index, lowest first; equals in the order of their arrival. */
  #waiters: Waiter[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#waiters.length;
  }

  /**
   * Settles when `wake(index)` has been called with at least `index`. Rejects with the reason of `signal`, or
   * Overloaded.
   */
  wait(index: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#waiters.length >= this.#limit) throw new Overloaded({ queue: 'waiting reads', limit: this.#limit });
      const onAbort = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        index,
        settle: (error) => {
          signal.removeEventListener('abort', onAbort);
          if (error === null) resolve();
          else reject(error);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#insert(waiter);
    });
  }

  #insert(waiter: Waiter): void {
    let low = 0;
    let high = this.#waiters.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#waiters[middle] as Waiter).index <= waiter.index) low = middle + 1;
      else high = middle;
    }
    this.#waiters.splice(low, 0, waiter);
  }

  /** Readers now see `appliedIndex`. */
  wake(appliedIndex: number): void {
    const reached = this.#waiters.findIndex(({ index }) => index > appliedIndex);
    const woken = this.#waiters.splice(0, reached === -1 ? this.#waiters.length : reached);
    for (const waiter of woken) waiter.settle(null);
  }

  /** Nothing will be applied any more. */
  fail(error: unknown): void {
    const all = this.#waiters.splice(0);
    for (const waiter of all) waiter.settle(error);
  }
}
