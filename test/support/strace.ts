/**
 * strace attached to a running process, to change what its system calls do. The process must be one of our own, and
 * goes on as before once it is let go.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './wait.js';

export class Strace implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #folder: string;
  #said = '';

  private constructor(process: ChildProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
    process.stderr?.on('data', (text: Buffer) => {
      this.#said += text.toString();
    });
  }

  /**
   * Resolves once each of the `calls` (`fsync,pwrite64`), in every thread, has the `effect` (`error=EIO`). Throws when
   * strace cannot be attached, with its words. `paths`: only calls on these files; default on all.
   */
  static async attach(pid: number, calls: string, effect: string, paths: readonly string[] = []): Promise<Strace> {
    const folder = mkdtempSync(join(tmpdir(), 'quorate-strace-'));
    const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:${effect}`];
    const only = paths.flatMap((path) => ['-P', path]);
    const args = ['-f', ...inject, ...only, '-o', join(folder, 'calls'), '-p', String(pid)];
    const strace = new Strace(spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] }), folder);
    try {
      await once(strace.#process, 'spawn');
      await eventually('strace to be attached', () => strace.#said.includes(' attached') || strace.#hasEnded);
      if (strace.#hasEnded && !strace.#said.includes(' attached')) throw new Error(`strace: ${strace.#said.trim()}`);
      return strace;
    } catch (failure) {
      await strace[Symbol.asyncDispose]();
      throw failure;
    }
  }

  /** Lets the process go, and resolves to how many calls were changed. */
  async end(): Promise<number> {
    await this.#endWith('SIGINT');
    return readFileSync(join(this.#folder, 'calls'), 'utf8').split('(INJECTED)').length - 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endWith('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #endWith(signal: NodeJS.Signals): Promise<void> {
    if (this.#process.pid === undefined || this.#hasEnded) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill(signal);
    await ended;
  }

  get #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }
}
