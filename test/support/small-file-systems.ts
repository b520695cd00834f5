/**
 * File systems of a chosen size in memory (tmpfs), that really run full: one for each data directory of a cluster. They
 * are mounted in a mount namespace of their own, which is gone with the last process in it; nothing is ever mounted in
 * the namespace of this process, so nothing can be left behind, however it ends.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './wait.js';

/** Without being root one may mount in a user namespace in which one is. */
const AS_ROOT = process.getuid?.() === 0 ? [] : ['--map-root-user'];
const MOUNT_ALL =
  'for each in "$@"; do mount -t tmpfs -o size=$SIZE tmpfs "$each" || exit 1; done; echo done; exec cat';

export class SmallFileSystems implements AsyncDisposable {
  /** Holds one folder for each file system; seen from outside they are empty. */
  readonly directory: string;
  /** Keeps the namespace, until its standard input ends: at the latest with this process. */
  readonly #holder: ChildProcess;
  #said = '';

  private constructor(directory: string, holder: ChildProcess) {
    this.directory = directory;
    this.#holder = holder;
    for (const stream of [holder.stdout, holder.stderr]) {
      stream?.on('data', (text: Buffer) => {
        this.#said += text.toString();
      });
    }
  }

  /** One for each name, each of `bytes`. Throws, with the words of the system, where that is not permitted. */
  static async mount(names: readonly string[], bytes: number): Promise<SmallFileSystems> {
    const directory = mkdtempSync(join(tmpdir(), 'quorate-small-'));
    const folders = names.map((name) => join(directory, name));
    for (const folder of folders) mkdirSync(folder);
    const args = ['--mount', ...AS_ROOT, 'sh', '-c', MOUNT_ALL, 'sh', ...folders];
    const holder = spawn('unshare', args, { stdio: 'pipe', env: { ...process.env, SIZE: String(bytes) } });
    const systems = new SmallFileSystems(directory, holder);
    try {
      await once(holder, 'spawn');
      await eventually('the file systems to be mounted', () => systems.#said.includes('done\n') || systems.#hasEnded);
      if (systems.#hasEnded) throw new Error(`no small file systems: ${systems.#said.trim()}`);
      return systems;
    } catch (error) {
      await systems[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What comes before a command that is to see them; it becomes that command. */
  get launcher(): readonly string[] {
    const target = ['--target', String(this.#holder.pid)];
    return ['nsenter', ...target, '--mount', ...(AS_ROOT.length > 0 ? ['--user', '--preserve-credentials'] : []), '--'];
  }

  /** Takes all but `bytes` of what is free away from it. */
  async leave(name: string, bytes: number): Promise<void> {
    const { bsize, blocks, bfree } = await statfs(this.#path(name));
    this.resize(name, (blocks - bfree) * bsize + bytes);
  }

  /** Throws when more than that is in use. */
  resize(name: string, bytes: number): void {
    const [command, ...args] = [...this.launcher, 'mount', '-o', `remount,size=${bytes}`, join(this.directory, name)];
    const { status, stderr } = spawnSync(command as string, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`the file system of ${name} cannot have ${bytes} bytes: ${stderr.trim()}`);
  }

  async freeBytes(name: string): Promise<number> {
    const { bsize, bfree } = await statfs(this.#path(name));
    return bfree * bsize;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#holder.pid !== undefined && !this.#hasEnded) {
      const ended = once(this.#holder, 'exit');
      this.#holder.stdin?.end();
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** As the holder sees it. */
  #path(name: string): string {
    return join(`/proc/${this.#holder.pid}/root`, this.directory, name);
  }

  get #hasEnded(): boolean {
    return this.#holder.exitCode !== null || this.#holder.signalCode !== null;
  }
}

/** Why there can be none on this machine; null when there can. */
export async function whyNoSmallFileSystems(): Promise<string | null> {
  try {
    await using _ = await SmallFileSystems.mount(['tried'], 64 * 1024);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
