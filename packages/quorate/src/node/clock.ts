/**
 * The one seam for time and turns of the loop in `node/`: the simulator replaces it. Nothing else in this room may
 * touch `Date`, `performance`, timers or `setImmediate`.
 */

export interface Timer {
  /** Does nothing when the timer has fired already. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. For durations and deadlines. */
  monotonicMs(): number;
  /** Milliseconds since 1970; may jump. For people and for entry timestamps only. */
  wallMs(): number;
  /** Calls back once, no earlier than `delayMs` from now. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Calls back after the input that waits now (sockets, finished disk writes) has been handled. */
  defer(callback: () => void): void;
}

/** Lets whatever waits have its turn: between two pieces of long work. */
export function nextTurn(clock: Pick<Clock, 'defer'>): Promise<void> {
  return new Promise((resolve) => clock.defer(resolve));
}

/** The clock of the process. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(delayMs, callback) {
    // A fraction would be cut off, and the timer would fire early.
    const timer = setTimeout(callback, Math.ceil(delayMs));
    return { cancel: () => clearTimeout(timer) };
  },
  defer(callback) {
    setImmediate(callback);
  },
};
