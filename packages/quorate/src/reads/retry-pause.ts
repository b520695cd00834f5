/**
 * How long to wait before something that failed is tried again. Every retry of the read path goes through a pause of
 * the injected clock: a loop of promises alone would starve the very timers and sockets that it waits for.
 */

/** After the first failure: a leader that has just changed is usually known at once. */
const FIRST_PAUSE_MS = 1;
/** A heartbeat interval: a leader that is back is not missed for longer than that. */
const LONGEST_PAUSE_MS = 50;

/**
 * The pause after one more failure; `previousMs` is 0 after a success. Doubles, without jitter: one process asks, not
 * many.
 */
export function longerPause(previousMs: number): number {
  return Math.min(Math.max(2 * previousMs, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
}
