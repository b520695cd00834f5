/**
 * Time as the read path sees it: deadlines and nothing else. Injected, so that the simulator decides when time
 * passes.
 */

export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  monotonicMs(): number;
  /** Calls back once, no earlier than `delayMs` from now, unless canceled. */
  setTimer(delayMs: number, callback: () => void): { cancel(): void };
}
