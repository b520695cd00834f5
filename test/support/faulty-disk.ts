/**
 * Makes the disk of a running server faulty, through strace: its writes and syncs fail, or do not end. What did not end
 * is carried out when the disk is let go, as it is with a disk that answers again.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerProcess } from './server-cluster.js';
import { Strace } from './strace.js';

/** The log writes with pwrite64 on a descriptor with O_DSYNC; directories and files that are made get an fsync. */
const CALLS = 'fsync,fdatasync,pwrite64';
const HANG_US = 600_000_000;

/** The calls are not made at all, and the process gets the error: what a broken or full disk does. */
export function failWrites(pid: number, error: 'EIO' | 'ENOSPC'): Promise<Strace> {
  return Strace.attach(pid, CALLS, `error=${error}`);
}

/**
 * The calls on the log, which are those that wait for the drive, hang until the disk is let go, for ten minutes at
 * most. It can only be disposed of: told to end in another way strace would wait for what hangs.
 */
export function hangWrites({ pid, dataDir }: Pick<ServerProcess, 'pid' | 'dataDir'>): Promise<AsyncDisposable> {
  const log = join(dataDir, 'log');
  const paths = readdirSync(log).map((name) => join(log, name));
  return Strace.attach(pid, CALLS, `delay_enter=${HANG_US}`, paths);
}

/** Why disks cannot be made faulty on this machine; null when they can. */
export async function whyNoFaultyDisks(): Promise<string | null> {
  if (spawnSync('strace', ['-V']).error !== undefined) return 'strace is not installed';
  const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' });
  await once(sleeper, 'spawn');
  const gone = once(sleeper, 'exit');
  try {
    await using disk = await failWrites(sleeper.pid as number, 'EIO');
    await disk.end();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    sleeper.kill('SIGKILL');
    await gone;
  }
}
