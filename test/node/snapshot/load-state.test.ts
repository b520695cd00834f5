/** What a node begins with: a state that its log can go on from, of a snapshot of this very log, or nothing. */
import { describe, expect, it } from 'vitest';
import type { LogPosition } from '../../../packages/quorate/src/core/index.js';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { loadState } from '../../../packages/quorate/src/node/snapshot/load-state.js';
import { snapshotName } from '../../../packages/quorate/src/node/snapshot/snapshot-name.js';
import { Snapshots } from '../../../packages/quorate/src/node/snapshot/snapshots.js';
import { SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { mapMachine } from '../../support/raft-group.js';

const directory = '/data/snapshots';

/** A machine that has applied so many entries without a command. */
function machineAt(index: number) {
  const machine = mapMachine();
  const entries = Array.from({ length: index }, (_, i) => ({ index: i + 1, term: 2, timestampMs: 1, command: null }));
  machine.apply(entries);
  return machine;
}

/** Snapshots at these indexes, and what of them the log begins behind. */
async function setUp(indexes: readonly number[]) {
  const disk = new SimulatedDisk({ random: () => 0.3 });
  const snapshots = await Snapshots.open({ disk, directory, clock: systemClock });
  for (const index of indexes) {
    const state = machineAt(index).snapshot();
    const head = { timestampMs: 1, clusterId: 'c', configuration: { voters: ['n1'], outgoing: [], learners: [] } };
    await snapshots.save({ ...head, position: { index, term: 2 } }, state?.chunks ?? []);
  }
  const entries = Array.from({ length: 10 }, (_, i) => {
    const data = new Uint8Array(0);
    return { index: 11 + i, term: 2, kind: 'no-op' as const, timestampMs: 1, proposal: null, data };
  });
  const hardState = { term: 2, vote: null, commit: 20 };
  const recovered = { hardState, start: { index: 10, term: 2, timestampMs: 1 }, entries, torn: null };
  const load = (machine: ReturnType<typeof mapMachine>) =>
    loadState({
      recovered,
      snapshots,
      machine: machine as never,
      logger: silentLogger,
      signal: new AbortController().signal,
    });
  return { disk, snapshots, load };
}

const at = (index: number): LogPosition => ({ index, term: 2 });

describe('the state of a node that starts', () => {
  it('is that of the newest snapshot when it has less than the log begins behind (P25)', async () => {
    const { load } = await setUp([10, 15]);
    for (const machine of [machineAt(0), machineAt(9)]) {
      expect(await load(machine)).toEqual(at(15));
      expect(machine.appliedIndex).toBe(15);
    }
  });

  it('stays when the log goes on from it', async () => {
    const { load } = await setUp([10, 15]);
    const machine = machineAt(12);
    expect(await load(machine)).toEqual(at(15));
    expect(machine.appliedIndex).toBe(12);
  });

  it('is that of an older snapshot when the newest is damaged, which goes then', async () => {
    const { load, disk, snapshots } = await setUp([10, 15]);
    disk.damage(`${directory}/${snapshotName(at(15))}`, 40, 1);
    const machine = machineAt(0);
    expect(await load(machine)).toEqual(at(10));
    expect(machine.appliedIndex).toBe(10);
    expect(snapshots.positions).toEqual([at(10)]);
  });

  it('is refused when no snapshot is whole that reaches the log, and none is taken away', async () => {
    const { load, disk, snapshots } = await setUp([10]);
    disk.damage(`${directory}/${snapshotName(at(10))}`, 40, 1);
    await expect(load(machineAt(0))).rejects.toMatchObject({ code: 'SnapshotDamaged' });
    expect(snapshots.positions).toEqual([at(10)]);
    const none = await setUp([]);
    await expect(none.load(machineAt(5))).rejects.toMatchObject({ code: 'SnapshotDamaged' });
  });
});
