/** When a node takes snapshots of its state, and that the log can be cut on the word of each. */
import { describe, expect, it } from 'vitest';
import type { Entry, LogPosition } from '../../../packages/quorate/src/core/index.js';
import { NoLeader } from '../../../packages/quorate/src/errors/index.js';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { nodeEvents } from '../../../packages/quorate/src/node/node-events.js';
import { RateLimit } from '../../../packages/quorate/src/node/snapshot/rate-limit.js';
import { SnapshotEvents } from '../../../packages/quorate/src/node/snapshot/snapshot-events.js';
import { snapshotName } from '../../../packages/quorate/src/node/snapshot/snapshot-name.js';
import { Snapshots } from '../../../packages/quorate/src/node/snapshot/snapshots.js';
import { Snapshotter } from '../../../packages/quorate/src/node/snapshot/snapshotter.js';
import { SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { mapMachine } from '../../support/raft-group.js';

const directory = '/data/snapshots';

function entriesOf(from: number, count: number): readonly Entry[] {
  return Array.from({ length: count }, (_, i) => {
    return { index: from + i, term: 1, kind: 'no-op', timestampMs: 1, proposal: null, data: new Uint8Array(0) };
  });
}

async function createSnapshotter({ appliedBefore = 0 } = {}) {
  const disk = new SimulatedDisk({ random: () => 0.3 });
  const snapshots = await Snapshots.open({ disk, directory, clock: systemClock });
  const machine = mapMachine();
  const taken: LogPosition[] = [];
  const snapshotter = new Snapshotter({
    ...{ machine, snapshots, appliedBefore, clock: systemClock, logger: silentLogger },
    ...{ entries: 100, bytes: 1_000_000, signal: new AbortController().signal },
    rate: new RateLimit(systemClock, 1_000_000),
    events: new SnapshotEvents(nodeEvents('n1').snapshot, systemClock),
    describe: (position) => ({
      ...{ position, timestampMs: 1, clusterId: 'a cluster' },
      configuration: { voters: ['n1'], outgoing: [], learners: [] },
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

  it('is due after so many entries, those counted that an earlier process applied', async () => {
    const fresh = await createSnapshotter();
    await fresh.apply(1, 99);
    expect(fresh.taken).toEqual([]);
    await fresh.apply(100, 1);
    expect(fresh.taken).toEqual([{ index: 100, term: 1 }]);
    const started = await createSnapshotter({ appliedBefore: 99 });
    await started.apply(1, 1);
    expect(started.taken).toEqual([{ index: 1, term: 1 }]);
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
