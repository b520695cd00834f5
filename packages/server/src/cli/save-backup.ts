/**
 * Writes a backup to a file: aside, durable, checked as a whole, and only then under its name. Whatever goes wrong,
 * there is never a file of that name that is not whole.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type SnapshotSummary, verifySnapshot } from 'quorate';
import type { Backup } from 'quorate/client';
import { SnapshotDamaged } from 'quorate/errors';
import { CommandFailed, EXIT } from './exit-code.js';

export interface SaveOptions {
  /** True to replace a file of that name. */
  readonly replace: boolean;
  /** Asks for it. */
  readonly backup: () => Promise<Backup>;
  readonly onProgress: (bytes: number, total: number) => void;
}

/** Rejects with CommandFailed, SnapshotDamaged, or what the backup throws. */
export async function saveBackup(path: string, options: SaveOptions): Promise<SnapshotSummary> {
  await refuseExisting(path, options.replace);
  const aside = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.part`);
  try {
    // Before the cluster works for it: whether this place can be written at all.
    const file = await open(aside, 'wx');
    const { index, term } = await writeTo(file, options);
    const saved = await verifySnapshot(aside);
    if (saved.index !== index || saved.term !== term) throw new SnapshotDamaged({ path: aside, offset: 0 });
    if (options.replace) await rename(aside, path);
    else await giveName(aside, path);
    await syncDirectory(dirname(path));
    return saved;
  } catch (error) {
    await rm(aside, { force: true });
    throw explained(error, path);
  }
}

async function writeTo(file: FileHandle, { backup, onProgress }: SaveOptions): Promise<Backup> {
  try {
    const coming = await backup();
    let written = 0;
    for await (const chunk of coming.chunks) {
      await file.writeFile(chunk);
      written += chunk.byteLength;
      onProgress(written, coming.bytes);
    }
    await file.sync();
    return coming;
  } finally {
    await file.close();
  }
}

/** In one step, and never in the place of a file that somebody has made meanwhile: a rename would not notice it. */
async function giveName(aside: string, path: string): Promise<void> {
  try {
    await link(aside, path);
  } catch {
    await refuseExisting(path, false);
    // Some file systems have no links. What is made there in this very moment is replaced.
    await rename(aside, path);
    return;
  }
  await rm(aside);
}

async function refuseExisting(path: string, replace: boolean): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw explained(error, path);
  });
  if (found === null) return;
  if (found.isDirectory()) throw new CommandFailed(EXIT.failed, `${path} is a directory: name a file in it`);
  if (replace) return;
  throw new CommandFailed(EXIT.failed, `${path} is there already: choose another name, or replace it with --force`);
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** An error of the system as a sentence. */
function explained(error: unknown, path: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || syscall === undefined) return error;
  return new CommandFailed(
    EXIT.failed,
    `${path} cannot be written (${code}): choose a place with room and the right to`,
  );
}
