/** The removal of segments that nobody needs any more: in their order, whatever the disk says in between. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { OlderSegments } from '../../../packages/quorate/src/node/storage/older-segments.js';
import { segmentName } from '../../../packages/quorate/src/node/storage/segment-head.js';
import type { DiskOperation, SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { DIRECTORY, newDisk, systemError } from './open-log.js';

/** Five segments of ten entries each. */
async function prepare(intercept: (operation: DiskOperation) => void) {
  const disk = newDisk(1, intercept);
  await disk.makeDirectory(DIRECTORY);
  const older = new OlderSegments();
  for (let number = 1; number <= 5; number += 1) {
    await (await disk.open(join(DIRECTORY, segmentName(number)), 'create')).close();
    older.add({ number, bytes: 100, lastIndex: 10 * number });
  }
  const errors: string[] = [];
  const logger = { ...silentLogger, error: (_fields: object, message: string) => errors.push(message) };
  const removeUpTo = (index: number) => {
    older.removeUpTo(index, { disk, directory: DIRECTORY }, logger);
    return older.settled();
  };
  return { disk, older, errors, removeUpTo };
}

const left = (disk: SimulatedDisk) => disk.files.map((path) => Number(path.slice(DIRECTORY.length + 1, -4)));

it('is tried again with the next, from the first that could not be removed, and leaves no gap', async () => {
  let fails = true;
  const { disk, older, errors, removeUpTo } = await prepare(() => {});
  // The simulated disk takes a name away before it says that it could not.
  const { remove } = disk;
  disk.remove = (path) =>
    fails && path.endsWith(segmentName(2)) ? Promise.reject(systemError('EBUSY')) : remove.call(disk, path);
  await removeUpTo(30);
  expect(left(disk)).toEqual([2, 3, 4, 5]);
  expect(older.bytes).toBe(400);
  expect(errors).toHaveLength(1);
  await removeUpTo(30);
  expect(left(disk)).toEqual([2, 3, 4, 5]);
  fails = false;
  await removeUpTo(40);
  expect(left(disk)).toEqual([5]);
  expect(older.bytes).toBe(100);
  await removeUpTo(40);
  expect(errors).toHaveLength(2);
});

it('goes on when what could not be removed is gone', async () => {
  let fails = true;
  const { disk, errors, removeUpTo } = await prepare(({ kind, path }) => {
    if (!fails || kind !== 'remove' || !path.endsWith(segmentName(2))) return;
    fails = false;
    throw systemError('EIO');
  });
  await removeUpTo(30);
  expect(left(disk)).toEqual([3, 4, 5]);
  await removeUpTo(30);
  expect(left(disk)).toEqual([4, 5]);
  expect(errors).toHaveLength(1);
});

it('ends when a removal cannot be made durable: nobody knows what a loss of power would leave', async () => {
  let fails = false;
  const { disk, removeUpTo } = await prepare(({ kind }) => {
    if (fails && kind === 'sync-directory') throw systemError('EIO');
  });
  fails = true;
  await removeUpTo(30);
  expect(left(disk)).toEqual([2, 3, 4, 5]);
  fails = false;
  await removeUpTo(40);
  expect(left(disk)).toEqual([2, 3, 4, 5]);
});
