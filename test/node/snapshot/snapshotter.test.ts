/** When a node takes snapshots of its state, and that the log can be cut on the word of each. */
import { describe, expect, it } from 'vitest';
import { type Entry, type LogPosition, votersOnly } from '../../../packages/quorate/src/core/index.js';
import { NoLeader } from '../../../packages/quorate/src/errors/index.js';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { nodeEvents } from '../../../packages/quorate/src/node/node-events.js';
import { RateLimit } from '../../../packages/quorate/src/node/snapshot/rate-limit.js';
import { SnapshotEvents } from '../../../packages/quorate/src/node/snapshot/snapshot-events.js';
import { snapshotName } from '../../../packages/quorate/src/node/snapshot/snapshot-name.js';
import { Snapshots } from '../../../packages/quorate/src/node/snapshot/snapshots.js';
import { Snapshotter } from '../../../packages/quorate/src/node/snapshot/snapshotter.js';
import { NodeDisk } from '../../../packages/quorate/src/node/storage/node-disk.js';
import { SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { ManualClock } from '../../support/manual-clock.js';
import { mapMachine } from '../../support/raft-group.js';
import { temporaryDirectory } from '../../support/state-machine/lmdb-machines.js';

const directory = '/data/snapshots';

function entriesOf(from: number, count: number): readonly Entry[] {
  return Array.from({ length: count }, (_, i) => {
    return { index: from + i, term: 1, kind: 'no-op', timestampMs: 1, proposal: null, data: new Uint8Array(0) };
  });
}

async function createSnapshotter() {
  const disk = new SimulatedDisk({ random: () => 0.3 });
  const snapshots = await Snapshots.open({ disk, directory, clock: systemClock });
  const machine = mapMachine();
  const taken: LogPosition[] = [];
  const snapshotter = new Snapshotter({
    ...{ machine, snapshots, pendingEntries: 0, clock: systemClock, logger: silentLogger },
    ...{ entries: 100, bytes: 1_000_000, signal: new AbortController().signal },
    rate: new RateLimit(systemClock, 1_000_000),
    events: new SnapshotEvents(nodeEvents('n1').snapshot, systemClock),
    describe: (position) => ({
      ...{ position, timestampMs: 1, clusterId: 'a cluster' },
      configuration: votersOnly(['n1']),
    }),
    onTaken: (position) => taken.push(position),
  });
  const apply = async (from: number, count: number) => {
    const entries = entriesOf(from, count);
    machine.apply(entries.map((entry) => ({ ...entry, command: null })));
    snapshotter.applied(entries);
    await snapshotter.settled();
  };
  return { snapshotter, snapshots, disk, taken, apply };
}

describe('a snapshot', () => {
  it('is not taken before anything was applied: a node could not start from it', async () => {
    const { snapshotter, disk } = await createSnapshotter();
    await expect(snapshotter.take()).rejects.toThrow(NoLeader);
    expect(disk.files).toEqual([]);
  });

  it('that is there already is read before the log is cut on its word, and taken anew when it is damaged', async () => {
    const { snapshotter, snapshots, disk, taken, apply } = await createSnapshotter();
    await apply(1, 100);
    const [position] = taken as [LogPosition];
    disk.damage(`${directory}/${snapshotName(position)}`, 40, 1);
    expect(await snapshotter.take()).toEqual(position);
    await (await snapshots.open(position)).verify();
  });
});

/** Every 10 entries, or 1 MiB of them, with a state of so many bytes. */
async function createDue(stateBytes: number, pendingEntries = 0) {
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
    // No time passes, so that it need not rest.
    ...{ snapshots, clock: new ManualClock(), logger: silentLogger, rate: new RateLimit(systemClock, 2 ** 40) },
    ...{ entries: 10, bytes: 1024 * 1024, pendingEntries, signal: new AbortController().signal },
    events: new SnapshotEvents(nodeEvents('n1').snapshot, systemClock),
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

it('is taken after every so many entries, those of an earlier life included', async () => {
  const apply = await createDue(100);
  expect(await apply(35, 10)).toEqual([10, 20, 30]);
  const again = await createDue(100, 7);
  expect(await again(14, 10)).toEqual([3, 13]);
});

it('is taken after so many bytes of entries, however few they are', async () => {
  const apply = await createDue(40_000_000);
  await apply(10);
  expect(await apply(2, 600_000)).toEqual([10, 12]);
});
