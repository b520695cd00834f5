/**
 * Proposals and leadership transfer: what a client is told is true. A command is appended once, only in the term it
 * was sent in, and a rejection means that it never was nor will be (reads.md, Errors). Transfers: Raft dissertation,
 * section 3.10.
 */
import { describe, expect, it } from 'vitest';
import type { Proposal, RaftMessage } from '../../packages/quorate/src/core/index.js';
import { acknowledge, elect, establish, Peer, proposal, threePeers } from '../support/core.js';

function propose(from: string, to: string, term: number, proposals: readonly Proposal[]): RaftMessage {
  return { type: 'propose', from, to, term, proposals };
}

/** The proposals in a peer's log, the no-op and others left out. */
function commands(peer: Peer): readonly unknown[] {
  return peer.durable.entries.filter(({ kind }) => kind === 'command').map((entry) => entry.proposal);
}

function follower(): Peer {
  const peer = new Peer({ term: 3 });
  peer.step({ type: 'heartbeat', from: 'n2', to: 'n1', term: 3, commit: 0, round: 0 }).take();
  return peer;
}

describe('proposing', () => {
  it('a leader appends in its term, with index, term and id', () => {
    const leader = establish(new Peer());
    const [one, two] = [proposal(), proposal()];
    leader.propose([one, two]);
    expect(leader.durable.entries.slice(1)).toMatchObject([
      { index: 2, term: 1, kind: 'command', proposal: one.id },
      { index: 3, term: 1, kind: 'command', proposal: two.id },
    ]);
  });

  it('a follower forwards to its leader, one hop, stamped with its term', () => {
    const peer = follower();
    const one = proposal();
    peer.propose([one]);
    expect(peer.take()).toEqual([propose('n1', 'n2', 3, [one])]);
    peer.step(propose('n3', 'n1', 3, [proposal(3)]));
    expect(peer.takeOf('propose')).toEqual([]);
    expect(peer.takeOf('propose-rejected')).toMatchObject([{ to: 'n3', reason: 'not-leader' }]);
  });

  it('without a leader it is rejected at once', () => {
    const peer = new Peer({ term: 3 });
    const one = proposal();
    peer.propose([one]);
    expect(peer.rejected).toEqual([{ ids: [one.id], reason: 'not-leader', term: 3 }]);
    expect(peer.take()).toEqual([]);
  });

  it('a candidate rejects it', () => {
    const peer = new Peer();
    peer.campaign().propose();
    expect(peer.rejected).toMatchObject([{ reason: 'not-leader' }]);
  });

  it('fenced to another term it is rejected at once, on the leader and on a follower', () => {
    const leader = establish(new Peer());
    leader.propose([proposal()], { ifTerm: 2 });
    expect(leader.rejected).toMatchObject([{ reason: 'term-changed', term: 1 }]);
    expect(commands(leader)).toEqual([]);
    const peer = follower();
    peer.propose([proposal()], { ifTerm: 2 });
    expect(peer.rejected).toMatchObject([{ reason: 'term-changed', term: 3 }]);
    expect(peer.take()).toEqual([]);
  });

  it('a forwarded proposal that arrives after the leader lost its term is rejected, not appended', () => {
    const leader = establish(new Peer());
    leader.tick(20).take();
    const [one, two] = [proposal(2), proposal(2)];
    leader.step(propose('n2', 'n1', 1, [one]));
    expect(leader.take()).toMatchObject([{ type: 'propose-rejected', to: 'n2', ids: [one.id], reason: 'not-leader' }]);
    establish(leader);
    leader.step(propose('n2', 'n1', 1, [two]));
    expect(commands(leader)).toEqual([]);
  });

  it('a forwarded proposal of a term that this node never led is rejected with its own term', () => {
    const peer = follower();
    peer.step({ type: 'heartbeat', from: 'n2', to: 'n1', term: 6, commit: 0, round: 0 }).take();
    const one = proposal(2);
    peer.step(propose('n3', 'n1', 5, [one]));
    expect(peer.take()).toMatchObject([
      { type: 'propose-rejected', to: 'n3', term: 6, ids: [one.id], reason: 'term-changed' },
    ]);
  });

  it('a duplicate of a forwarded proposal is appended once', () => {
    const leader = establish(new Peer());
    const [one, two] = [proposal(2), proposal(2)];
    const message = propose('n2', 'n1', 1, [one, two]);
    leader.step(message, message, propose('n2', 'n1', 1, [two]));
    expect(commands(leader)).toEqual([one.id, two.id]);
    expect(leader.takeOf('propose-rejected')).toEqual([]);
  });

  it('a duplicate of a rejected proposal is not appended later', () => {
    const leader = establish(new Peer());
    const message = propose('n2', 'n1', 1, [proposal(2)]);
    leader.transfer('n3').step(message);
    expect(leader.takeOf('propose-rejected')).toMatchObject([{ reason: 'transfer-in-progress' }]);
    leader
      .tick(10)
      .step(acknowledge(leader, 'n2', 1))
      .step(message);
    expect(commands(leader)).toEqual([]);
  });

  it.each([
    ['steps down in its term', (leader: Peer) => leader.tick(20)],
    [
      'learns of a later term',
      (leader: Peer) => leader.step({ type: 'heartbeat', from: 'n3', to: 'n1', term: 2, commit: 0, round: 0 }),
    ],
    ['starts again', (leader: Peer) => leader.restart()],
  ])('a duplicate is not called rejected by a leader that appended it and %s', (_, depose) => {
    const leader = establish(new Peer());
    const message = propose('n2', 'n1', 1, [proposal(2)]);
    leader.step(message);
    const deposed = depose(leader);
    expect(deposed.status.role).toBe('follower');
    deposed.take();
    deposed.step(message);
    expect(deposed.takeOf('propose-rejected')).toEqual([]);
  });

  it('rejections come back to the process that proposed, and to no other', () => {
    const peer = follower();
    const ids = [proposal(1).id, proposal(99).id];
    peer.step({ type: 'propose-rejected', from: 'n2', to: 'n1', term: 3, ids, reason: 'overloaded' });
    expect(peer.rejected).toEqual([{ ids: [ids[0]], reason: 'overloaded', term: 3 }]);
  });

  it('above maxUncommittedBytes proposals are rejected as overloaded, and taken again once something commits', () => {
    const leader = establish(new Peer({ maxUncommittedBytes: 1_000 }));
    leader.propose([proposal(1, 600)]);
    leader.propose([proposal(1, 600)]);
    expect(leader.rejected).toMatchObject([{ reason: 'overloaded' }]);
    leader.step(acknowledge(leader, 'n2', 2)).propose([proposal(1, 600)]);
    expect(leader.status.lastIndex).toBe(3);
  });

  it('the limit counts what an entry counts for, so that many small ones are not free', () => {
    const leader = establish(new Peer({ maxUncommittedBytes: 1_000 }));
    leader.propose([proposal(1, 1)]);
    leader.propose(Array.from({ length: 100 }, () => proposal(1, 1)));
    expect(leader.rejected).toMatchObject([{ reason: 'overloaded' }]);
    expect(leader.status.lastIndex).toBe(2);
  });

  it('a single proposal above the limit is taken when nothing else waits', () => {
    const leader = establish(new Peer({ maxUncommittedBytes: 100 }));
    leader.propose([proposal(1, 5_000)]);
    expect(leader.rejected).toEqual([]);
    expect(leader.status.lastIndex).toBe(2);
  });

  it('a write through a follower commits and is applied on all nodes', () => {
    const cluster = threePeers();
    const one = proposal(2);
    cluster.peer('n2').propose([one]);
    cluster.deliver();
    for (const peer of cluster.peers.values()) expect(peer.committed.at(-1)?.proposal).toEqual(one.id);
  });
});

describe('leadership transfer', () => {
  it('tells a target that has the whole log to campaign at once', () => {
    const leader = establish(new Peer());
    leader.transfer('n2');
    expect(leader.take()).toEqual([{ type: 'timeout-now', from: 'n1', to: 'n2', term: 1 }]);
  });

  it('first brings a target up to date that is behind', () => {
    const leader = establish(new Peer());
    leader.propose().take();
    leader.transfer('n2');
    expect(leader.takeOf('timeout-now')).toEqual([]);
    leader.step(acknowledge(leader, 'n3', 2));
    expect(leader.takeOf('timeout-now')).toEqual([]);
    leader.step(acknowledge(leader, 'n2', 2));
    expect(leader.takeOf('timeout-now')).toMatchObject([{ to: 'n2' }]);
  });

  it('proposals are refused meanwhile', () => {
    const leader = establish(new Peer());
    leader.transfer('n2').propose();
    expect(leader.rejected).toMatchObject([{ reason: 'transfer-in-progress' }]);
  });

  it('a transfer that does not succeed within an election timeout is over, and proposals are taken again', () => {
    const leader = establish(new Peer({ electionTicks: 10 }));
    leader.transfer('n2');
    for (let beat = 0; beat < 10; beat += 1) leader.tick().step(acknowledge(leader, 'n3', 1));
    leader.propose();
    expect(leader.rejected).toEqual([]);
    expect(leader.status).toMatchObject({ role: 'leader', lastIndex: 2 });
    leader.take();
    leader.step(acknowledge(leader, 'n2', 2));
    expect(leader.takeOf('timeout-now')).toEqual([]);
  });

  it('the target campaigns without a pre-vote, and is elected although the others hear of the leader', () => {
    const cluster = threePeers();
    cluster.peer('n1').transfer('n3');
    cluster.deliver();
    expect(cluster.peer('n3').status).toMatchObject({ role: 'leader', term: 2 });
    expect(cluster.peer('n1').status).toMatchObject({ role: 'follower', leader: 'n3', term: 2 });
  });

  it('the leader goes on when the target is the leader itself, unknown, or a member that does not vote', () => {
    const configuration = { voters: ['n1', 'n2', 'n3'], outgoing: [], learners: ['n4'] };
    const leader = establish(new Peer({ configuration }));
    leader.step(acknowledge(leader, 'n4', 1)).take();
    for (const target of ['n1', 'n9', 'n4']) leader.transfer(target);
    leader.propose();
    expect(leader.rejected).toEqual([]);
    expect(leader.takeOf('timeout-now')).toEqual([]);
  });

  it('a second target takes the place of the first', () => {
    const leader = establish(new Peer());
    leader.propose().take();
    leader.transfer('n2').transfer('n3');
    leader.step(acknowledge(leader, 'n2', 2));
    expect(leader.takeOf('timeout-now')).toEqual([]);
    leader.step(acknowledge(leader, 'n3', 2));
    expect(leader.takeOf('timeout-now')).toMatchObject([{ to: 'n3' }]);
  });

  it('an order to campaign is obeyed only when it comes from the leader', () => {
    const peer = follower();
    peer.step({ type: 'timeout-now', from: 'n3', to: 'n1', term: 3 });
    peer.step({ type: 'timeout-now', from: 'n2', to: 'n1', term: 2 });
    expect(peer.status).toMatchObject({ role: 'follower', term: 3 });
    peer.step({ type: 'timeout-now', from: 'n2', to: 'n1', term: 3 });
    expect(peer.status).toMatchObject({ role: 'candidate', term: 4 });
  });

  it('a learner told to campaign does nothing', () => {
    const configuration = { voters: ['n1', 'n2'], outgoing: [], learners: ['n3'] };
    const learner = new Peer({ id: 'n3', configuration, term: 1 });
    learner.step({ type: 'heartbeat', from: 'n2', to: 'n3', term: 1, commit: 0, round: 0 });
    learner.step({ type: 'timeout-now', from: 'n2', to: 'n3', term: 1 });
    expect(learner.status).toMatchObject({ role: 'follower', term: 1 });
  });

  it('asking for the same transfer again does not prolong it', () => {
    const leader = elect(new Peer({ electionTicks: 10 }));
    leader.step(acknowledge(leader, 'n2', 1), acknowledge(leader, 'n3', 1));
    leader.transfer('n2').tick(5).transfer('n2');
    for (let beat = 0; beat < 5; beat += 1) leader.tick().step(acknowledge(leader, 'n3', 1));
    leader.propose();
    expect(leader.rejected).toEqual([]);
  });
});
