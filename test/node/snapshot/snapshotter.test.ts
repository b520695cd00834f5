/** When snapshots are taken: often while a state is small, and not for every few entries of a large one. */
import { expect, test } from 'vitest';
import { type Entry, votersOnly } from '../../../packages/quorate/src/core/index.js';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { RateLimit } from '../../../packages/quorate/src/node/snapshot/rate-limit.js';
import { Snapshots } from '../../../packages/quorate/src/node/snapshot/snapshots.js';
import { Snapshotter } from '../../../packages/quorate/src/node/snapshot/snapshotter.js';
import { NodeDisk } from '../../../packages/quorate/src/node/storage/node-disk.js';
import { temporaryDirectory } from '../../support/state-machine/lmdb-machines.js';

/** Every 10 entries, or 1 MiB of them, with a state of so many bytes. */
async function create(stateBytes: number, pendingEntries = 0) {
  const snapshots = await Snapshots.open({
    disk: new NodeDisk(),
    clock: systemClock,
    directory: await temporaryDirectory(),
  });
  const taken: number[] = [];
  let appliedIndex = 0;
  const snapshotter = new Snapshotter({
    machine: {
      snapshot: () => ({ appliedIndex, appliedTerm: 1, chunks: [new Uint8Array(stateBytes)], release() {} }),
    },
    ...{ snapshots, clock: systemClock, logger: silentLogger, rate: new RateLimit(systemClock, 2 ** 40) },
    ...{ entries: 10, bytes: 1024 * 1024, pendingEntries, signal: new AbortController().signal },
    describe: (position) => ({ position, timestampMs: 0, clusterId: 'c', configuration: votersOnly(['n1']) }),
    onTaken: ({ index }) => taken.push(index),
  });
  const apply = async (count: number, bytes = 0) => {
    for (let at = 0; at < count; at += 1) {
      appliedIndex += 1;
      const data = new Uint8Array(bytes);
      const entry: Entry = { index: appliedIndex, term: 1, timestampMs: 0, kind: 'command', data, proposal: null };
      snapshotter.applied([entry]);
      await snapshotter.settled();
    }
    return taken;
  };
  return apply;
}

test('a small state is written after every so many entries, those of an earlier life included', async () => {
  const apply = await create(100);
  expect(await apply(35, 10)).toEqual([10, 20, 30]);
  const again = await create(100, 7);
  expect(await again(14, 10)).toEqual([3, 13]);
});

test('a large state waits until the entries are a quarter of it, or sixteen times as many', async () => {
  const apply = await create(400_000);
  // Nothing is known of its size before the first one.
  expect(await apply(10)).toEqual([10]);
  expect(await apply(159)).toEqual([10]);
  expect(await apply(1)).toEqual([10, 170]);
  expect(await apply(14, 10_000)).toEqual([10, 170, 180]);
});

test('so many bytes of entries are enough at any time', async () => {
  const apply = await create(40_000_000);
  await apply(10);
  expect(await apply(2, 600_000)).toEqual([10, 12]);
});
