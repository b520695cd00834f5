/** What nodes tell on their channels: right numbers, of the node that they are of, and never at the node's expense. */
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type {
  ApplyEvent,
  BoundEvent,
  CommitEvent,
  LeaderEvent,
  LogEvent,
  NodeEvent,
  ReadEvent,
  RoundEvent,
  WriteEvent,
} from '../../../packages/quorate/src/index.js';
import { type MapNode, RaftGroup } from '../../support/raft-group.js';
import { eventually } from '../../support/wait.js';
import { tableRows } from '../../tidy/markdown.js';
import { read } from '../../tidy/repository.js';

const get = (key: string) => (state: Readonly<Map<string, string>>) => state.get(key) ?? null;
const patient = { timeoutMs: 30_000 };
const CALLS = 40;

const listeners: (() => void)[] = [];
afterEach(() => {
  for (const end of listeners.splice(0)) end();
});

function listen(name: string, listener: (message: unknown) => void): void {
  subscribe(name, listener);
  listeners.push(() => unsubscribe(name, listener));
}

/** The messages of a channel from now on. */
function collect<Event extends NodeEvent>(name: string): Event[] {
  const events: Event[] = [];
  listen(name, (message) => events.push(message as Event));
  return events;
}

/**
 * A group that keeps its leader on a busy machine, for numbers that depend on it. All of it has applied what there is:
 * nothing from before is counted.
 */
async function steadyGroup(): Promise<RaftGroup> {
  const group = await RaftGroup.prepare();
  await Promise.all(Object.keys(group.peers).map((id) => group.open(id, { tickMs: 150 })));
  const leader = await group.leader();
  const isAtRest = (node: MapNode) => node.status().applied > 0 && node.status().applied === leader.status().lastIndex;
  await eventually('all to be applied', () => [...group.nodes.values()].every(isAtRest));
  return group;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** All times are 0 or more, whatever the machine does. */
function expectTimes(events: readonly object[]): void {
  for (const [field, value] of events.flatMap((event) => Object.entries(event))) {
    if (field.endsWith('Ms') && value !== null) expect(value, field).toBeGreaterThanOrEqual(0);
  }
}

describe('the events of nodes', () => {
  it('are those that are documented, with the fields that are documented', async () => {
    const documented = new Map(
      tableRows(read('docs/reference/events.md')).map(([name = '', , , fields = '']) => [
        name.replaceAll('`', ''),
        ['node', ...[...fields.replaceAll(/\([^)]*\)/g, '').matchAll(/`(\w+)`/g)].map(([, field]) => field)].sort(),
      ]),
    );
    expect(documented.size).toBe(10);
    const events = new Map([...documented.keys()].map((name) => [name, collect(name)]));
    await using group = await RaftGroup.start();
    await group.node('n1').propose({ key: 'k', value: 'v' }, patient);
    await group.node('n2').read(get('k'), patient);
    await group.node('n3').takeSnapshot(patient);
    for (const [name, fields] of documented) {
      const first = await eventually(`an event on ${name}`, () => events.get(name)?.[0] ?? null);
      expect(Object.keys(first).sort(), name).toEqual(fields);
      expectTimes(events.get(name) ?? []);
    }
  });

  it('count every write once, on the node that it was made through', async () => {
    await using group = await steadyGroup();
    const [leader, follower] = [await group.leader(), await group.follower()];
    const writes = collect<WriteEvent>('quorate.write');
    const commits = collect<CommitEvent>('quorate.commit');
    const applied = collect<ApplyEvent>('quorate.apply');
    const log = collect<LogEvent>('quorate.log');
    const before = leader.status().applied;
    const call = (i: number) => follower.propose({ key: 'k', value: `${i}` }, patient);
    await Promise.all(Array.from({ length: CALLS }, (_, i) => call(i)));
    await expect(follower.propose({ key: 'k', value: 'v' }, { ifTerm: 99, ...patient })).rejects.toThrow();
    const { id } = follower.status();
    expect(writes.every(({ node }) => node === id)).toBe(true);
    expect(writes.filter(({ outcome }) => outcome === 'applied')).toHaveLength(CALLS);
    expect(writes.at(-1)).toMatchObject({ outcome: 'not-applied', code: 'TermChanged' });
    const last = leader.status().applied;
    for (const node of group.nodes.values()) {
      await eventually('all entries to be applied', () => node.status().applied >= last);
      const name = node.status().id;
      expect(sum(applied.filter((event) => event.node === name).map(({ entries }) => entries))).toBe(last - before);
      const written = log.filter((event) => event.node === name);
      expect(sum(written.map(({ bytes }) => bytes))).toBeGreaterThan(CALLS);
      expect(written.at(-1)?.logBytes).toBe(16 * 1024 * 1024);
    }
    expect(new Set(commits.map(({ node }) => node))).toEqual(new Set([leader.status().id]));
    expect(commits.at(-1)).toMatchObject({ term: leader.status().term, index: last });
    const indexes = commits.map(({ index }) => index);
    expect(indexes).toEqual([...new Set(indexes)].sort((a, b) => a - b));
  });

  it('count every read once, and every request that reads share, and every round that requests share', async () => {
    await using group = await steadyGroup();
    const [leader, follower] = [await group.leader(), await group.follower()];
    await follower.read(get('k'), patient);
    const reads = collect<ReadEvent>('quorate.read');
    const bounds = collect<BoundEvent>('quorate.bound');
    const rounds = collect<RoundEvent>('quorate.round');
    const before = leader.status().rounds;
    await Promise.all(Array.from({ length: CALLS }, () => follower.read(get('k'), patient)));
    const { id, term } = follower.status();
    expect(reads).toHaveLength(CALLS);
    for (const event of reads) {
      expect(event).toMatchObject({ node: id, level: 'linearizable', outcome: 'served', code: null });
      expect(event.confirmMs).toBeLessThanOrEqual(event.boundMs as number);
      expect(event.durationMs).toBeGreaterThanOrEqual((event.boundMs as number) + (event.applyMs as number));
    }
    const answered = bounds.filter(({ code }) => code === null);
    expect(answered.every(({ node }) => node === id)).toBe(true);
    expect(sum(answered.map((event) => event.reads))).toBe(CALLS);
    expect(rounds.every((event) => event.node === leader.status().id && event.term === term)).toBe(true);
    expect(rounds).toHaveLength(leader.status().rounds - before);
    expect(sum(rounds.map(({ requests }) => requests))).toBeGreaterThanOrEqual(answered.length);
  });

  it('tell how reads ended that ask nobody, are refused, come too late, or whose function throws', async () => {
    await using group = await RaftGroup.start();
    const node = await group.follower();
    const { token } = await node.propose({ key: 'k', value: 'v' }, patient);
    const reads = collect<ReadEvent>('quorate.read');
    const own = () => {
      throw new Error('of the function');
    };
    await node.read(get('k'), { level: 'session', token });
    await node.read(get('k'), { level: 'local' });
    await expect(node.read(own, { level: 'local' })).rejects.toThrow('of the function');
    await expect(node.read(get('k'), { level: 'session' })).rejects.toMatchObject({ reason: 'InvalidArgument' });
    await expect(node.read(get('k'), { level: 'session', minIndex: 1e9 })).rejects.toMatchObject({
      reason: 'LagBehind',
    });
    const unasked = { boundMs: null, confirmMs: null };
    expect(reads).toMatchObject([
      { level: 'session', outcome: 'served', code: null, ...unasked, applyMs: expect.any(Number) },
      { level: 'local', outcome: 'served', code: null, ...unasked, applyMs: expect.any(Number) },
      { level: 'local', outcome: 'function-failed', code: null, ...unasked, applyMs: expect.any(Number) },
      { level: null, outcome: 'failed', code: 'InvalidArgument', ...unasked, applyMs: null },
      { level: 'session', outcome: 'failed', code: 'LagBehind', ...unasked, applyMs: null },
    ]);
  });

  it('tell of every change of leadership, on each node', async () => {
    const leaders = collect<LeaderEvent>('quorate.leader');
    await using group = await RaftGroup.start();
    const old = (await group.leader()).status();
    await group.close(old.id);
    for (const [id, node] of group.nodes) {
      await eventually(`${id} to tell of a leader after ${old.id}`, () => {
        const { term, leader, role } = node.status();
        const last = leaders.findLast((event) => event.node === id);
        if (leader === null || term <= old.term) return false;
        return last?.leader === leader.id && last.term === term && (last.role === 'leader') === (role === 'leader');
      });
    }
  });

  it('are not made while nobody listens, and the size of the log is known again after a restart', async () => {
    await using group = await RaftGroup.start(1);
    const reads = collect<ReadEvent>('quorate.read');
    for (const end of listeners.splice(0)) end();
    expect(channel('quorate.read').hasSubscribers).toBe(false);
    await group.node('n1').propose({ key: 'k', value: 'v' }, patient);
    await group.node('n1').read(get('k'), patient);
    expect(reads).toEqual([]);
    await group.close('n1');
    const log = collect<LogEvent>('quorate.log');
    await (await group.open('n1')).propose({ key: 'k', value: 'w' }, patient);
    // The segment of the first life was cut to what it holds.
    const segment = 16 * 1024 * 1024;
    expect(log.at(-1)?.logBytes).toBeGreaterThan(segment);
    expect(log.at(-1)?.logBytes).toBeLessThan(segment + 8_192);
  });

  it('never harm the node: what a subscriber throws is an uncaught exception of the process, and no more', async () => {
    await using group = await RaftGroup.start();
    const uncaught: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      const events = tableRows(read('docs/reference/events.md')).map(([name = '']) => name.replaceAll('`', ''));
      for (const name of events) {
        listen(name, () => {
          throw new Error(`on ${name}`);
        });
      }
      for (const node of group.nodes.values()) {
        await node.propose({ key: 'k', value: node.status().id }, patient);
        for (const reader of group.nodes.values()) {
          expect((await reader.read(get('k'), patient)).value).toBe(node.status().id);
        }
      }
      await group.node('n1').takeSnapshot(patient);
      const seen = () => new Set(uncaught.map((error) => (error as Error).message.slice('on '.length)));
      const hot = events.filter((name) => name !== 'quorate.leader');
      await eventually('all of them to be reported', () => hot.every((name) => seen().has(name)));
    } finally {
      for (const end of listeners.splice(0)) end();
      // What was thrown is reported in a later turn.
      await nextTurn();
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener);
    }
  });
});
