/**
 * A deadline and the caller's signal as one signal. It must be ended in a `finally`, or its timer and listener stay
 * behind.
 */
import { Canceled, type QuorateErrorOptions } from '../errors/index.js';
import type { Clock } from './clock.js';

export interface Deadline {
  readonly signal: AbortSignal;
  /** Removes the timer and the listener. */
  end(): void;
}

/**
 * Aborts with `overdue()` after `timeoutMs`, or with Canceled (which carries `error`) when the caller's `signal`
 * fires.
 */
export function startDeadline(
  clock: Clock,
  call: {
    readonly timeoutMs: number;
    readonly signal: AbortSignal | undefined;
    readonly overdue: () => Error;
    readonly error?: QuorateErrorOptions;
  },
): Deadline {
  const { timeoutMs, signal, overdue, error } = call;
  const controller = new AbortController();
  const timer = clock.setTimer(timeoutMs, () => controller.abort(overdue()));
  const onAbort = () => controller.abort(new Canceled({ ...error, cause: signal?.reason }));
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  return {
    signal: controller.signal,
    end() {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
    },
  };
}
