/**
 * Keeps a second process out of a data directory: two processes on one directory would vote twice. Works by files
 * alone, for Node has no lock that the system would drop at the death of its holder; so a dead holder is told by its
 * process id, the time it started and the boot of the system. It must never let two processes have the directory, even
 * if both find a dead holder at once.
 *
 * How. Each holding is a generation, a file `lock-1`, `lock-2`, ..., and the highest one counts. A generation is made
 * with link(2), which fails if the name exists, with its contents complete from the first moment. Whoever finds that
 * the highest generation g is dead or released tries to make g + 1: one of many succeeds. The highest file is never
 * removed, only marked as released, so the highest number never falls; therefore one who was slow and makes a number
 * that was used and cleared away since sees a higher one when it looks again, and steps back.
 *
 * Not seen: a holder in another container or machine that shares the directory. Process ids mean nothing there.
 */
import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DirectoryLocked } from '../../errors/index.js';
import type { DirectoryLock } from './disk.js';
import { currentProcess, isAlive, type ProcessIdentity } from './process-identity.js';

/** More changes of hands than this between two looks at one directory do not happen; a loop must end all the same. */
const MAX_ATTEMPTS = 100;

interface Holder extends ProcessIdentity {
  /** Random, so that a holder knows its own file. */
  readonly nonce: string;
}

/**
 * Locks the directory for this process. Throws DirectoryLocked, with the process id of the holder, or the system's
 * error.
 */
export async function lockDirectory(path: string): Promise<DirectoryLock> {
  const own: Holder = { ...(await currentProcess()), nonce: randomUUID() };
  const draft = join(path, `lock-${own.nonce}.tmp`);
  try {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const highest = await highestGeneration(path);
      const holder = highest === 0 ? null : await readHolder(generationPath(path, highest));
      if (holder !== null && (await isAlive(holder))) throw lockedBy(path, holder, highest);
      await writeFile(draft, JSON.stringify(own));
      const generation = highest + 1;
      if (!(await linked(draft, generationPath(path, generation)))) continue;
      if ((await highestGeneration(path)) === generation) {
        await clearBelow(path, generation);
        return { release: () => release(path, generation, own) };
      }
      await rm(generationPath(path, generation), { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new DirectoryLocked(`the data directory ${path} is contended by other processes: start one node on it`);
}

function lockedBy(path: string, { pid }: Holder, generation: number): DirectoryLocked {
  return new DirectoryLocked(
    `the data directory ${path} is in use by process ${pid}: stop that process, or give this node a directory of its ` +
      `own (if process ${pid} is certainly not a node of this directory, remove ${generationPath(path, generation)})`,
  );
}

function generationPath(path: string, generation: number): string {
  return join(path, `lock-${generation}`);
}

/** 0 when there is none. */
async function highestGeneration(path: string): Promise<number> {
  return Math.max(0, ...generations(await readdir(path)));
}

function generations(names: readonly string[]): readonly number[] {
  return names.filter((name) => /^lock-[1-9]\d{0,14}$/.test(name)).map((name) => Number(name.slice('lock-'.length)));
}

/**
 * Null when the generation is released (empty), gone, or not to be read: it is complete before it has its name, so only
 * a loss of power leaves one like that, and no holder survived that.
 */
async function readHolder(path: string): Promise<Holder | null> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder> | null;
    const { pid = 0, nonce } = value ?? {};
    return Number.isSafeInteger(pid) && pid > 0 && typeof nonce === 'string' ? (value as Holder) : null;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** False when another was first, or a new holder has cleared the draft away. */
async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}

/** Removes what earlier holders left, among it the drafts of those that died half-way. */
async function clearBelow(path: string, generation: number): Promise<void> {
  const names = await readdir(path);
  const old = generations(names).filter((number) => number < generation);
  for (const number of old) await rm(generationPath(path, number), { force: true });
  for (const name of names) {
    if (/^lock-.*\.tmp$/.test(name)) await rm(join(path, name), { force: true });
  }
}

/** Emptied, not replaced: that takes no space, which a disk that is full does not have. */
async function release(path: string, generation: number, own: Holder): Promise<void> {
  const held = generationPath(path, generation);
  if ((await readHolder(held))?.nonce === own.nonce) await truncate(held);
}
