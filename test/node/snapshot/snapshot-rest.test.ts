/** When a node takes snapshots by itself: as often as it is due, and not more often than there is time for. */
import { expect, it } from 'vitest';
import type { Entry } from '../../../packages/quorate/src/core/index.js';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { nodeEvents } from '../../../packages/quorate/src/node/node-events.js';
import { RateLimit } from '../../../packages/quorate/src/node/snapshot/rate-limit.js';
import { SnapshotEvents } from '../../../packages/quorate/src/node/snapshot/snapshot-events.js';
import { Snapshots } from '../../../packages/quorate/src/node/snapshot/snapshots.js';
import { Snapshotter } from '../../../packages/quorate/src/node/snapshot/snapshotter.js';
import { SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { ManualClock } from '../../support/manual-clock.js';

it('rests three times as long as a snapshot took before it takes the next, except when it is asked', async () => {
  const clock = new ManualClock();
  const intercept = ({ kind }: { readonly kind: string }) => {
    if (kind === 'sync') clock.block(100);
  };
  const disk = new SimulatedDisk({ random: () => 0.3, intercept });
  const snapshots = await Snapshots.open({ disk, directory: '/data', clock: systemClock });
  let index = 0;
  const taken: number[] = [];
  const snapshotter = new Snapshotter({
    ...{ snapshots, clock, entries: 1, bytes: 1_000, pendingEntries: 0 },
    logger: silentLogger,
    machine: {
      snapshot: () => ({ appliedIndex: index, appliedTerm: 1, chunks: [Buffer.from('x')], release: () => {} }),
    },
    rate: new RateLimit(clock, 1_000_000),
    signal: new AbortController().signal,
    events: new SnapshotEvents(nodeEvents('n1').snapshot, clock),
    describe: (position) => {
      const configuration = { voters: ['n1'], outgoing: [], learners: [] };
      return { position, timestampMs: 1, clusterId: 'c', configuration };
    },
    onTaken: (position) => taken.push(position.index),
  });
  const apply = async (): Promise<void> => {
    index += 1;
    const entry: Entry = { index, term: 1, kind: 'no-op', timestampMs: 1, proposal: null, data: new Uint8Array(0) };
    snapshotter.applied([entry]);
    await snapshotter.settled();
  };
  await apply();
  expect(taken).toEqual([1]);
  clock.advance(299);
  await apply();
  expect(taken).toEqual([1]);
  clock.advance(1);
  await apply();
  expect(taken).toEqual([1, 3]);
  await apply();
  await snapshotter.take();
  expect(taken).toEqual([1, 3, 4]);
});
