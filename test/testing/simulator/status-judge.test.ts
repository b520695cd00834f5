/** What the simulator makes of what nodes say of themselves. */
import { describe, expect, it } from 'vitest';
import type { NodeStatus } from '../../../packages/quorate/src/node/index.js';
import { EventQueue } from '../../../packages/quorate/src/testing/simulator/event-queue.js';
import { Ledger } from '../../../packages/quorate/src/testing/simulator/ledger.js';
import { StatusJudge } from '../../../packages/quorate/src/testing/simulator/status-judge.js';

const follower = { id: 'n2', role: 'follower', term: 3, leader: { id: 'n1', url: null }, lag: null, applied: 5 };

function prepare() {
  const queue = new EventQueue();
  const ledger = new Ledger({ voters: [], outgoing: [], learners: [] }, new Map());
  ledger.leaders.set(3, { id: 'n1', bootId: 1 });
  const judge = new StatusJudge({ queue, ledger, lagWindowMs: 100 });
  return { queue, ledger, say: (says: object) => judge.judge({ ...follower, ...says } as NodeStatus) };
}

describe('the status of a node', () => {
  it('may say nothing of how far behind it is', () => {
    const { ledger, say } = prepare();
    ledger.floor = 50;
    say({ lag: null });
  });

  it('may leave out what was told just now, but not what was told before its window', async () => {
    const { queue, ledger, say } = prepare();
    ledger.floor = 7;
    say({ lag: 0 });
    queue.schedule(101, () => {});
    await queue.runUntil(101, () => {});
    ledger.floor = 9;
    expect(() => say({ lag: 1 })).toThrow(/everything that was told a while ago/);
    say({ lag: 2 });
  });

  it('names the leader of its term, or nobody', () => {
    const { say } = prepare();
    say({ leader: null });
    expect(() => say({ leader: { id: 'n3', url: null } })).toThrow(/names the leader of its term/);
    expect(() => say({ id: 'n3', role: 'leader', leader: { id: 'n3', url: null } })).toThrow(/leader of its term/);
  });

  it('may come from a leader that has only just won', () => {
    const { say } = prepare();
    say({ id: 'n2', role: 'leader', term: 4, leader: { id: 'n2', url: null } });
    expect(() => say({ id: 'n2', role: 'leader', term: 4, leader: null })).toThrow(/names itself/);
  });
});
