/**
 * Waits for a snapshot no longer than its caller wants to. The snapshot goes on: what was begun may be of use to the
 * next who asks. An error of the disk must leave as a typed one, with what to do.
 */
import { DiskFailed, InvariantViolation, QuorateError, Timeout } from '../../errors/index.js';
import type { Clock } from '../clock.js';
import { startDeadline } from '../deadline.js';

export interface SnapshotCall {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** `tooLate` is given what comes when nobody waits for it any more. Rejects with Timeout, Canceled or DiskFailed. */
export async function takeInTime<R>(
  clock: Clock,
  { timeoutMs, signal }: SnapshotCall,
  { take, tooLate }: { take: () => Promise<R>; tooLate?: ((taken: R) => Promise<void>) | undefined },
): Promise<R> {
  const overdue = () => new Timeout({ stage: 'snapshot', timeoutMs }, { outcome: 'unknown' });
  const deadline = startDeadline(clock, { timeoutMs, signal, overdue, error: { outcome: 'unknown' } });
  let isOver = false;
  try {
    const ended = new Promise<never>((_, reject) => {
      const onAbort = () => {
        isOver = true;
        reject(deadline.signal.reason);
      };
      if (deadline.signal.aborted) onAbort();
      else deadline.signal.addEventListener('abort', onAbort, { once: true });
    });
    const taken = take().then(async (result) => {
      if (isOver) await tooLate?.(result);
      return result;
    });
    return await Promise.race([taken, ended]);
  } catch (error) {
    if (error instanceof QuorateError || error instanceof InvariantViolation) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DiskFailed(
      `no snapshot could be written (${reason}): make room on the disk and try again; nothing was lost`,
      { cause: error, outcome: 'not-applied' },
    );
  } finally {
    deadline.end();
  }
}
