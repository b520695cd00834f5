/** The folder of a node's snapshots: which is the newest, which go, and what is left of one that failed. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { loadState } from '../../../packages/quorate/src/node/snapshot/load-state.js';
import type { SnapshotHead } from '../../../packages/quorate/src/node/snapshot/snapshot-format.js';
import { Snapshots } from '../../../packages/quorate/src/node/snapshot/snapshots.js';
import { type DiskOperation, SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { mapMachine } from '../../support/raft-group.js';

const directory = '/data/snapshots';
const at = (index: number): SnapshotHead => ({
  position: { index, term: 2 },
  timestampMs: 5,
  clusterId: 'a cluster',
  configuration: { voters: ['n1'], outgoing: [], learners: [] },
});
const state = [Buffer.from('state')];
const makeDisk = (intercept?: (operation: DiskOperation) => void) =>
  new SimulatedDisk({ random: () => 0.3, intercept });

describe('the snapshots of a node', () => {
  it('are found again, and none before there is one', async () => {
    const disk = makeDisk();
    const snapshots = await Snapshots.open({ disk, directory, clock: systemClock });
    expect(snapshots.newest).toBeNull();
    for (const index of [10, 9, 200]) await snapshots.save(at(index), state);
    const again = await Snapshots.open({ disk: disk.crash('lost'), directory, clock: systemClock });
    expect(again.newest).toEqual({ index: 200, term: 2 });
    expect(again.count).toBe(3);
    const reader = await again.open({ index: 9, term: 2 });
    await reader.verify();
    expect(reader.head).toEqual(at(9));
  });

  it('go by age, and the newest never does', async () => {
    const disk = makeDisk();
    const snapshots = await Snapshots.open({ disk, directory, clock: systemClock });
    for (const index of [10, 20, 30]) await snapshots.save(at(index), state);
    await snapshots.retain(2, () => false);
    await snapshots.retain(0, () => false);
    expect(snapshots.newest).toEqual({ index: 30, term: 2 });
    expect((await Snapshots.open({ disk: disk.crash('lost'), directory, clock: systemClock })).count).toBe(1);
  });

  it('leave the one before untouched when the next fails, and can be tried again (case 11)', async () => {
    let fails = false;
    const disk = makeDisk(({ kind }) => {
      if (fails && kind === 'sync') throw Object.assign(new Error('no'), { code: 'EIO' });
    });
    const snapshots = await Snapshots.open({ disk, directory, clock: systemClock });
    await snapshots.save(at(10), state);
    fails = true;
    await expect(snapshots.save(at(20), state)).rejects.toMatchObject({ code: 'EIO' });
    const broken = async function* () {
      yield Buffer.from('half of it');
      throw new Error('the state cannot be read');
    };
    await expect(snapshots.save(at(20), broken())).rejects.toThrow('the state cannot be read');
    expect(snapshots.newest).toEqual({ index: 10, term: 2 });
    expect(disk.files).toHaveLength(1);
    fails = false;
    await snapshots.save(at(20), state);
    expect(snapshots.newest).toEqual({ index: 20, term: 2 });
  });

  it('are given up at the next chunk when they are not wanted any more, also while they are read back', async () => {
    const many = Array.from({ length: 50 }, (_, i) => Buffer.from(`chunk ${i}`));
    for (const moment of ['write', 'sync'] as const) {
      const ending = new AbortController();
      const disk = makeDisk(({ kind }) => {
        if (kind === moment) ending.abort(new Error('the end'));
      });
      const snapshots = await Snapshots.open({ disk, directory, clock: systemClock });
      await expect(snapshots.save(at(10), many, ending.signal), moment).rejects.toThrow('the end');
      expect(disk.files).toEqual([]);
      const other = await Snapshots.open({ disk: makeDisk(), directory, clock: systemClock });
      await other.save(at(10), many);
      const file = await other.openFile({ index: 10, term: 2 });
      const download = await snapshots.receive({ index: 10, term: 2 });
      for await (const piece of file?.chunks() ?? []) await download.write(piece);
      await expect(snapshots.adopt(download, ending.signal), moment).rejects.toThrow('the end');
      const reading = (await other.open({ index: 10, term: 2 })).chunks(ending.signal);
      await expect(reading.next(), moment).rejects.toThrow('the end');
    }
  });

  it('are durable when they are found, though a process ended before it knew', async () => {
    const ended = new Promise<SimulatedDisk>((resolve) => {
      let named = false;
      const disk: SimulatedDisk = makeDisk(({ kind }) => {
        if (named) resolve(disk.kill());
        named = kind === 'rename';
      });
      const opened = Snapshots.open({ disk, directory, clock: systemClock });
      void Promise.allSettled([opened.then((snapshots) => snapshots.save(at(10), state))]);
    });
    const disk = await ended;
    const found = await Snapshots.open({ disk, directory, clock: systemClock });
    expect(found.newest).toEqual({ index: 10, term: 2 });
    const after = await Snapshots.open({ disk: disk.crash('lost'), directory, clock: systemClock });
    expect(after.newest).toEqual({ index: 10, term: 2 });
  });

  it('are DiskFailed when the node starts and the disk does not give them back', async () => {
    const disk = makeDisk();
    const snapshots = await Snapshots.open({ disk, directory, clock: systemClock });
    await snapshots.save(at(10), state);
    const start = { index: 10, term: 2, timestampMs: 5 };
    const recovered = { hardState: { term: 2, vote: null, commit: 10 }, start, entries: [], torn: null };
    const { signal } = new AbortController();
    const load = () =>
      loadState({ recovered, snapshots, machine: mapMachine() as never, logger: silentLogger, signal });
    const { open } = disk;
    for (const fails of ['open', 'read'] as const) {
      const error = Object.assign(new Error(fails), { code: 'EIO' });
      disk.open = async (...call) => {
        if (fails === 'open') throw error;
        return { ...(await open.apply(disk, call)), read: () => Promise.reject(error) };
      };
      await expect(load(), fails).rejects.toMatchObject({ code: 'DiskFailed', cause: error });
    }
    disk.open = open;
    // What the state machine throws is its own affair.
    await expect(load()).rejects.toThrow(SyntaxError);
  });

  it('are swept of what a process left half written', async () => {
    const disk = makeDisk();
    const snapshots = await Snapshots.open({ disk, directory, clock: systemClock });
    const never = new Promise<Uint8Array>(() => {});
    void snapshots.save(
      at(10),
      (async function* () {
        yield Buffer.from('half of it');
        yield await never;
      })(),
    );
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    const left = disk.kill();
    expect(left.files).toHaveLength(1);
    expect((await Snapshots.open({ disk: left, directory, clock: systemClock })).newest).toBeNull();
    expect(left.files).toEqual([]);
  });
});
