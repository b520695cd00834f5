/**
 * One who was about to take the lock of a data directory and was held up for a long time. Needs a file of its own,
 * because the file system under the lock is held up in the middle of it.
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryLocked } from 'quorate/errors';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { lockDirectory } from '../../../packages/quorate/src/node/storage/directory-lock.js';

const heldUp = vi.hoisted(() => ({ meanwhile: null as (() => Promise<void>) | null }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const held = async (...args: Parameters<typeof real.writeFile>) => {
    const { meanwhile } = heldUp;
    heldUp.meanwhile = null;
    await meanwhile?.();
    return real.writeFile(...args);
  };
  return { ...real, writeFile: held };
});

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-lock-late-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

it('is refused to one who saw it free before others had it, gave it back, and cleared their traces away', async () => {
  const dead = { pid: 2 ** 30, startTime: null, bootId: null, nonce: 'dead' };
  await writeFile(join(directory, 'lock-1'), JSON.stringify(dead));
  let holder: Awaited<ReturnType<typeof lockDirectory>> | null = null;
  heldUp.meanwhile = async () => {
    await (await lockDirectory(directory)).release();
    holder = await lockDirectory(directory);
    // The name that the late one is about to make is free again.
    expect(await readdir(directory)).toEqual(['lock-3']);
  };
  await expect(lockDirectory(directory)).rejects.toBeInstanceOf(DirectoryLocked);
  expect(await readdir(directory)).toEqual(['lock-3']);
  await (holder as Awaited<ReturnType<typeof lockDirectory>> | null)?.release();
  await (await lockDirectory(directory)).release();
});
