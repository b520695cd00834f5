/**
 * A pause between two attempts, which ends early when the caller aborts. It leaves no timer and no listener behind,
 * and must not be used to wait for anything.
 */
import { Canceled, type Outcome } from '../errors/index.js';

/** Rejects with Canceled, of that outcome, when the signal fires. */
export function pause(
  delayMs: number,
  { signal, outcome }: { readonly signal: AbortSignal | undefined; readonly outcome: Outcome | null },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const canceled = () => new Canceled({ cause: signal?.reason, outcome });
    if (signal?.aborted) {
      reject(canceled());
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(canceled());
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      Math.max(0, delayMs),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
