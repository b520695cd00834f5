/**
 * Which process this is, in words that another process can check after this one is gone. A process id alone is used
 * again by the system, so it must never be trusted without the time the process started and the boot it belongs to,
 * where the system tells them.
 */
import { readFile } from 'node:fs/promises';

export interface ProcessIdentity {
  readonly pid: number;
  /** In ticks since the boot; null where the system does not tell (not Linux). */
  readonly startTime: string | null;
  /** Random id of the boot of the operating system; null where it does not tell. */
  readonly bootId: string | null;
}

export async function currentProcess(): Promise<ProcessIdentity> {
  const { pid } = process;
  return { pid, startTime: (await processStatus(pid))?.startTime ?? null, bootId: await currentBootId() };
}

/**
 * False only if that process has certainly ended. In doubt it lives: a wrong yes costs a person's look, a wrong no a
 * second vote.
 */
export async function isAlive({ pid, startTime, bootId }: ProcessIdentity): Promise<boolean> {
  const boot = await currentBootId();
  if (bootId !== null && boot !== null && bootId !== boot) return false;
  if (!hasProcess(pid)) return false;
  const status = await processStatus(pid);
  if (status === null) return true;
  // A zombie waits for its parent to hear of its end. But a thread that hangs in a write outlives the kill of its
  // process, which looks like a zombie from then on; what it wrote may still land.
  if ((status.state === 'Z' || status.state === 'X') && status.threads <= 1) return false;
  return startTime === null || status.startTime === startTime;
}

/** Signal 0 only asks. EPERM says that the process exists and belongs to somebody else. */
function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** The id of this boot of the operating system; null where it does not tell (not Linux). */
export function currentBootId(): Promise<string | null> {
  return readIfThere('/proc/sys/kernel/random/boot_id');
}

/**
 * Fields 3, 20 and 22 of proc_pid_stat(5). The second field, the name, is in parentheses and may hold anything, those
 * included.
 */
async function processStatus(
  pid: number,
): Promise<{ readonly state: string; readonly threads: number; readonly startTime: string } | null> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, threads, startTime] = [fields?.[0], fields?.[17], fields?.[19]];
  return state === undefined || startTime === undefined ? null : { state, threads: Number(threads), startTime };
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ESRCH: the process ended between opening and reading.
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return null;
    throw error;
  }
}
