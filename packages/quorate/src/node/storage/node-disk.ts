/**
 * The file system of the machine behind the seam of `disk.ts`. It reports nothing as durable before the operating
 * system has confirmed it, and must never retry: after a failed sync the system forgets what it could not write.
 */
import { existsSync } from 'node:fs';
import { constants, type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { platform } from 'node:os';
import { dirname, resolve } from 'node:path';
import { lockDirectory } from './directory-lock.js';
import type { DirectoryLock, Disk, DiskFile } from './disk.js';

/**
 * How one write becomes durable: `o-dsync` on a descriptor opened with that flag (one system call), `write-then-sync`
 * with two. Only Linux gives O_DSYNC the meaning it has to have: on macOS it does not empty the cache of the drive, a
 * sync does.
 */
export type DurableWrites = 'o-dsync' | 'write-then-sync';

export class NodeDisk implements Disk {
  readonly #durableWrites: DurableWrites;

  constructor(options: { readonly durableWrites?: DurableWrites | undefined } = {}) {
    this.#durableWrites = options.durableWrites ?? (platform() === 'linux' ? 'o-dsync' : 'write-then-sync');
  }

  async makeDirectory(path: string): Promise<void> {
    const target = resolve(path);
    const first = await makeMissing(target);
    // The name of a directory that was here already may be younger than the last sync of its parent: a process can end
    // in between.
    const top = first ?? target;
    for (let made = target; ; made = dirname(made)) {
      await this.#syncParent(made, first === null);
      if (made === top || made === dirname(made)) return;
    }
  }

  lock(path: string): Promise<DirectoryLock> {
    return lockDirectory(path);
  }

  async list(path: string): Promise<readonly string[]> {
    return (await readdir(path)).sort();
  }

  async open(path: string, mode: 'create' | 'open' | 'read'): Promise<DiskFile> {
    if (mode === 'read') return new NodeDiskFile(await open(path, 'r'), null);
    const handle = await open(path, mode === 'create' ? 'w+' : 'r+');
    if (this.#durableWrites === 'write-then-sync') return new NodeDiskFile(handle, null);
    try {
      return new NodeDiskFile(handle, await open(path, constants.O_RDWR | constants.O_DSYNC));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async readFile(path: string): Promise<Uint8Array | null> {
    try {
      return await readFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  rename(from: string, to: string): Promise<void> {
    return rename(from, to);
  }

  remove(path: string): Promise<void> {
    return rm(path);
  }

  /** Removes the file, or the directory with everything in it. */
  removeTree(path: string): Promise<void> {
    return rm(path, { recursive: true });
  }

  async syncDirectory(path: string): Promise<void> {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async #syncParent(path: string, existed: boolean): Promise<void> {
    try {
      await this.syncDirectory(dirname(path));
    } catch (error) {
      // A parent that may be passed through and not read is not ours, and whoever made this directory in it was not us.
      const { code } = error as NodeJS.ErrnoException;
      if (!existed || (code !== 'EACCES' && code !== 'EPERM')) throw error;
    }
  }
}

/**
 * Makes the directory and those above it that are missing; the topmost one that was made, null when none was. Node's
 * own recursive mkdir never returns where the system refuses with ENOENT below a directory that exists (/proc).
 */
async function makeMissing(path: string): Promise<string | null> {
  if (await makeOne(path)) return path;
  if (await isDirectory(path)) return null;
  // Missing above, unless somebody makes the same at the same time: then it is there by now.
  const top = existsSync(dirname(path)) ? null : await makeMissing(dirname(path));
  await mkdir(path).catch(async (error: unknown) => {
    if (!(await isDirectory(path))) throw error;
  });
  return top ?? path;
}

/** False when it is there, or something above it is not. */
async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || (code === 'EEXIST' && (await isDirectory(path)))) return false;
    throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}

class NodeDiskFile implements DiskFile {
  readonly #handle: FileHandle;
  /** The same file, opened with O_DSYNC; null where a sync follows each write instead. */
  readonly #durable: FileHandle | null;

  constructor(handle: FileHandle, durable: FileHandle | null) {
    this.#handle = handle;
    this.#durable = durable;
  }

  write(data: Uint8Array, position: number): Promise<void> {
    return writeAll(this.#handle, data, position);
  }

  async writeDurably(data: Uint8Array, position: number): Promise<void> {
    await writeAll(this.#durable ?? this.#handle, data, position);
    if (this.#durable === null) await this.#handle.datasync();
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size);
  }

  async close(): Promise<void> {
    try {
      await this.#durable?.close();
    } finally {
      await this.#handle.close();
    }
  }
}

/** The system may take fewer bytes than it was given. */
async function writeAll(handle: FileHandle, data: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < data.byteLength) {
    const { bytesWritten } = await handle.write(data, written, data.byteLength - written, position + written);
    if (bytesWritten === 0) throw new Error('the operating system took none of the bytes of a write');
    written += bytesWritten;
  }
}
