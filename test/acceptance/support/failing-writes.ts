/**
 * Makes the writes and syncs of the files of a running process fail, by attaching strace to it. The system call is not
 * made at all, and the process gets the error: what a broken or full disk does. The process must be one of our own.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../support/wait.js';

/** The log writes with pwrite64 on a descriptor with O_DSYNC; directories and files that are made get an fsync. */
const CALLS = 'fsync,fdatasync,pwrite64';

export class FailingWrites implements AsyncDisposable {
  readonly #strace: ChildProcess;
  readonly #folder: string;
  #said = '';

  private constructor(strace: ChildProcess, folder: string) {
    this.#strace = strace;
    this.#folder = folder;
    strace.stderr?.on('data', (text: Buffer) => {
      this.#said += text.toString();
    });
  }

  /** Resolves once every such call of the process fails. Throws when strace cannot be attached, with its words. */
  static async attach(pid: number, error: 'EIO' | 'ENOSPC'): Promise<FailingWrites> {
    const folder = mkdtempSync(join(tmpdir(), 'quorate-strace-'));
    const inject = ['-e', `trace=${CALLS}`, '-e', `inject=${CALLS}:error=${error}`];
    const args = ['-f', ...inject, '-o', join(folder, 'calls'), '-p', String(pid)];
    const writes = new FailingWrites(spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] }), folder);
    try {
      await once(writes.#strace, 'spawn');
      await eventually('strace to be attached', () => writes.#said.includes(' attached') || writes.#hasEnded);
      if (writes.#hasEnded && !writes.#said.includes(' attached')) throw new Error(`strace: ${writes.#said.trim()}`);
      return writes;
    } catch (failure) {
      await writes[Symbol.asyncDispose]();
      throw failure;
    }
  }

  /** Detaches, the process goes on as before; resolves to how many calls have failed. */
  async end(): Promise<number> {
    if (!this.#hasEnded) {
      const ended = once(this.#strace, 'exit');
      this.#strace.kill('SIGINT');
      await ended;
    }
    return readFileSync(join(this.#folder, 'calls'), 'utf8').split('(INJECTED)').length - 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#strace.pid !== undefined && !this.#hasEnded) {
      const ended = once(this.#strace, 'exit');
      this.#strace.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #hasEnded(): boolean {
    return this.#strace.exitCode !== null || this.#strace.signalCode !== null;
  }
}

/** Why writes cannot be made to fail on this machine; null when they can. */
export async function whyNoFailingWrites(): Promise<string | null> {
  if (spawnSync('strace', ['-V']).error !== undefined) return 'strace is not installed';
  const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' });
  await once(sleeper, 'spawn');
  const gone = once(sleeper, 'exit');
  try {
    await using writes = await FailingWrites.attach(sleeper.pid as number, 'EIO');
    await writes.end();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    sleeper.kill('SIGKILL');
    await gone;
  }
}
