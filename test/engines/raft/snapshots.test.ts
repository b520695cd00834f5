/** Snapshots of real nodes: a start from one, a follower that is given one, and what nobody may notice of it. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SnapshotEvent } from '../../../packages/quorate/src/index.js';
import { type MapNode, mapMachine, RaftGroup } from '../../support/raft-group.js';
import { eventually } from '../../support/wait.js';

const TUNING = { snapshotEntries: 50, keptEntries: 0, keptSnapshots: 2 };

async function write(node: MapNode, from: number, count: number): Promise<void> {
  const value = 'x'.repeat(4_000);
  for (let start = from; start < from + count; start += 20) {
    const keys = Array.from({ length: 20 }, (_, i) => `key ${start + i}`);
    await Promise.all(keys.map((key) => node.propose({ key, value: `${key} ${value}` })));
  }
}

function snapshotsOf(group: RaftGroup, id: string): readonly string[] {
  return readdirSync(join(group.directory, id, 'snapshots'));
}

describe('snapshots', () => {
  it('are taken as the log grows, kept by count, and are what a node starts from', async () => {
    await using group = await RaftGroup.prepare(1);
    const first = await group.open('n1', TUNING);
    await group.leader();
    await write(first, 0, 400);
    // A node rests between two, and looks at what is applied.
    await eventually('the second snapshot', async () => {
      await write(first, 0, 1);
      return snapshotsOf(group, 'n1').filter((name) => name.endsWith('.snapshot')).length === 2;
    });
    const { index } = await first.takeSnapshot();
    await group.close('n1');
    const machine = mapMachine();
    const replayed: number[] = [];
    const { apply } = machine;
    machine.apply = (entries) => {
      replayed.push(...entries.map((entry) => entry.index));
      return apply.call(machine, entries);
    };
    const again = await group.open('n1', { ...TUNING, stateMachine: machine });
    const read = await again.read((state) => state.size);
    expect(read.value).toBe(400);
    expect(Math.min(...replayed)).toBe(index + 1);
  });

  it('bring back a follower that was away while the log was cut, and what it is told then is fresh', async () => {
    await using group = await RaftGroup.prepare(3);
    await Promise.all(['n1', 'n2', 'n3'].map((id) => group.open(id, TUNING)));
    const follower = (await group.follower()).status().id;
    await group.close(follower);
    const leader = await group.leader();
    await write(leader, 0, 600);
    await leader.takeSnapshot();
    const back = await group.open(follower, TUNING);
    await write(leader, 600, 60);
    const read = await eventually('a linearizable read there', () =>
      back.read((state) => state.size).catch(() => null),
    );
    expect(read.value).toBe(660);
    await eventually('a snapshot there', () => snapshotsOf(group, follower).some((name) => name.endsWith('.snapshot')));
    // What it was given is durable there: alone with it, it can start again.
    await group.close(follower);
    const once = await group.open(follower, TUNING);
    expect(once.status().applied).toBeGreaterThan(0);
    expect((await eventually('a read', () => once.read((state) => state.size).catch(() => null))).value).toBe(660);
  });

  it('are told of, and counted in the status, where they are taken, sent and received', async () => {
    const events: SnapshotEvent[] = [];
    const listener = (message: unknown) => events.push(message as SnapshotEvent);
    subscribe('quorate.snapshot', listener);
    try {
      await using group = await RaftGroup.prepare(3);
      await Promise.all(['n1', 'n2', 'n3'].map((id) => group.open(id, TUNING)));
      const follower = (await group.follower()).status().id;
      await group.close(follower);
      const leader = await group.leader();
      await write(leader, 0, 600);
      const taken = await leader.takeSnapshot();
      const { id } = leader.status();
      // The older ones go in the background.
      await eventually('as many as are kept', () => snapshotsOf(group, id).length === TUNING.keptSnapshots);
      const sizes = snapshotsOf(group, id).map((name) => statSync(join(group.directory, id, 'snapshots', name)).size);
      const bytes = sizes.reduce((sum, size) => sum + size, 0);
      expect(leader.status().snapshots).toEqual({ index: taken.index, count: TUNING.keptSnapshots, bytes });
      expect(leader.status().firstIndex).toBe(taken.index + 1);
      expect(events.find(({ index }) => index === taken.index)).toMatchObject({
        ...{ node: id, kind: 'taken', outcome: 'done', code: null, bytes: sizes.at(-1) },
      });
      const back = await group.open(follower, TUNING);
      const received = await eventually('the snapshot to arrive', () => {
        const done = events.filter(({ node, outcome }) => node === follower && outcome === 'done');
        return done.find(({ kind }) => kind === 'received') ?? null;
      });
      const sent = events.find(({ kind, index }) => kind === 'sent' && index === received.index);
      expect(sent).toMatchObject({ node: id, outcome: 'done', bytes: received.bytes });
      await eventually('it to be in place', () => back.status().snapshots.index === received.index);
      // Closed, its disk takes no more: the failure has its code.
      await eventually('it to follow', () => back.status().applied >= taken.index);
      rmSync(join(group.directory, follower, 'snapshots'), { recursive: true });
      await write(leader, 600, 20);
      await eventually('it to have more', () => back.status().applied > taken.index);
      await expect(back.takeSnapshot()).rejects.toMatchObject({ code: 'DiskFailed' });
      const failed = events.find(
        ({ node, kind, outcome }) => node === follower && kind === 'taken' && outcome === 'failed',
      );
      expect(failed).toMatchObject({ code: 'unknown', bytes: null, index: expect.any(Number) });
    } finally {
      unsubscribe('quorate.snapshot', listener);
    }
  });

  it('are waited for no longer than the caller wants, and what is asked for later is of a later state', async () => {
    await using group = await RaftGroup.prepare(1);
    const node = await group.open('n1', { ...TUNING, snapshotEntries: 1_000_000, snapshotBytesPerSecond: 1_000_000 });
    await group.leader();
    await write(node, 0, 400);
    const slow = node.takeSnapshot();
    await expect(node.takeSnapshot({ timeoutMs: 1 })).rejects.toMatchObject({ code: 'Timeout', stage: 'snapshot' });
    const aborted = node.takeSnapshot({ signal: AbortSignal.abort('enough') });
    await expect(aborted).rejects.toMatchObject({ code: 'Canceled', cause: 'enough' });
    const { index } = await node.propose({ key: 'later', value: 'v' });
    expect((await node.takeSnapshot()).index).toBeGreaterThanOrEqual(index);
    expect((await slow).index).toBeLessThan(index);
  });

  it('are refused while the cluster forms, and after the end', async () => {
    await using group = await RaftGroup.prepare(2);
    const node = await group.open('n1', TUNING);
    for (const refused of [node.takeSnapshot(), node.openBackup({ timeoutMs: 100 })]) {
      await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^(NoLeader|ConsistentRead)$/) });
    }
    expect(node.status()).toMatchObject({ firstIndex: 0, snapshots: { index: null, count: 0, bytes: 0 } });
    await group.close('n1');
    await expect(node.takeSnapshot()).rejects.toMatchObject({ code: 'Stopped', outcome: 'not-applied' });
  });

  it('are refused by a state machine that cannot be written down, and nothing is cut', async () => {
    await using group = await RaftGroup.prepare(1);
    const machine = mapMachine();
    machine.snapshot = () => null;
    const node = await group.open('n1', { ...TUNING, stateMachine: machine });
    await group.leader();
    await expect(node.takeSnapshot()).rejects.toMatchObject({ code: 'InvalidArgument' });
    await write(node, 0, 100);
    expect(snapshotsOf(group, 'n1')).toEqual([]);
  });
});
