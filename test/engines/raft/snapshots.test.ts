/** Snapshots of real nodes: a start from one, a follower that is given one, and what nobody may notice of it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
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
    await eventually(
      'a snapshot',
      () => snapshotsOf(group, 'n1').filter((name) => name.endsWith('.snapshot')).length === 2,
    );
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
