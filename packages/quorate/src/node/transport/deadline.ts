/**
 * Timers for things that a socket may have done in time. After a blocked loop the timers come first; a deadline must
 * never fire before the input that waited has been read, or a stall of this node would look like one of its peers.
 */
import type { Clock, Timer } from '../clock.js';

/** Calls back once, after `delayMs` and after the input that waits then. Not at all when cancelled before. */
export function setDeadline(clock: Clock, delayMs: number, callback: () => void): Timer {
  let cancelled = false;
  const timer = clock.setTimer(delayMs, () => {
    clock.defer(() => {
      if (!cancelled) callback();
    });
  });
  return {
    cancel() {
      cancelled = true;
      timer.cancel();
    },
  };
}
