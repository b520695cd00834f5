/**
 * Log replication and commitment, sentence by sentence: Raft sections 5.3, 5.4.2 and 8, flow control (dissertation,
 * section 10.2.1), and that nothing is acknowledged or handed out before it is durable (R12).
 */
import { describe, expect, it } from 'vitest';
import { entryBytes, type RaftMessage } from '../../packages/quorate/src/core/index.js';
import {
  acknowledge,
  Cluster,
  elect,
  entries,
  entry,
  establish,
  type MessageOf,
  Peer,
  proposal,
  threePeers,
} from '../support/core.js';

type Append = Partial<MessageOf<'append-entries'>>;

/** An append of n2, leader of the term, to n1. */
function append(
  term: number,
  after: readonly [number, number],
  terms: readonly number[],
  more: Append = {},
): RaftMessage {
  const [previousIndex, previousTerm] = after;
  const base = { type: 'append-entries', from: 'n2', to: 'n1', term, commit: 0, round: 0 } as const;
  return { ...base, previousIndex, previousTerm, entries: entries(terms, previousIndex + 1), ...more };
}

function refuse(leader: Peer, from: string, index: number, hint: readonly [number, number]): RaftMessage {
  const [hintIndex, hintTerm] = hint;
  const base = { type: 'append-entries-response', from, to: leader.id, term: leader.status.term } as const;
  return { ...base, index, rejected: true, hintIndex, hintTerm, round: 0 };
}

function terms(peer: Peer): readonly number[] {
  return peer.durable.entries.map(({ term }) => term);
}

describe('a follower', () => {
  it('takes entries that follow a matching one, and acknowledges once they are durable (R12)', () => {
    const peer = new Peer({ terms: [1, 1], slowDisk: true });
    peer.step(append(2, [2, 1], [2, 2]));
    expect(peer.take()).toEqual([]);
    peer.persist();
    expect(peer.durable.entries).toEqual(entries([1, 1, 2, 2]));
    expect(peer.take()).toMatchObject([{ type: 'append-entries-response', to: 'n2', index: 4, rejected: false }]);
  });

  it('acknowledges in the order of its steps: a later append waits for the earlier one', () => {
    const peer = new Peer({ term: 1, slowDisk: true });
    peer.step(append(1, [0, 0], [1]), append(1, [1, 1], [1]));
    expect(peer.steps.map(({ number }) => number)).toEqual([1]);
    peer.step(append(1, [2, 1], [1]));
    peer.persist(1);
    expect(peer.takeOf('append-entries-response').map(({ index }) => index)).toEqual([1, 2]);
    peer.persist(1);
    expect(peer.takeOf('append-entries-response').map(({ index }) => index)).toEqual([3]);
  });

  it('refuses entries when it lacks the one before, or has another there', () => {
    const peer = new Peer({ terms: [1, 1] });
    peer.step(append(2, [3, 1], [2]));
    expect(peer.take()).toMatchObject([{ type: 'append-entries-response', index: 3, rejected: true, hintIndex: 2 }]);
    peer.step(append(2, [2, 2], [2]));
    expect(peer.take()).toMatchObject([{ type: 'append-entries-response', index: 2, rejected: true }]);
    expect(terms(peer)).toEqual([1, 1]);
  });

  it('names in its refusal the latest place where the logs may still agree', () => {
    const hint = (own: readonly number[], after: readonly [number, number]) => {
      const peer = new Peer({ terms: own });
      peer.step(append(9, after, []));
      return peer.takeOf('append-entries-response').map(({ hintIndex, hintTerm }) => [hintIndex, hintTerm])[0];
    };
    // The terms of the examples of etcd-io/raft, raft.go, stepLeader.
    expect(hint([1, 3, 3, 3, 5, 5, 5, 5], [9, 5])).toEqual([8, 5]);
    expect(hint([1, 3, 3, 3, 7, 7, 7], [6, 5])).toEqual([4, 3]);
    expect(hint([2, 2, 2], [3, 1])).toEqual([0, 0]);
  });

  it('drops a conflicting tail and takes the leader’s', () => {
    const peer = new Peer({ terms: [1, 1, 2, 2, 2] });
    peer.step(append(4, [2, 1], [3, 4]));
    expect(terms(peer)).toEqual([1, 1, 3, 4]);
  });

  it('keeps what follows when an append brings nothing new: an old append may have been overtaken', () => {
    const peer = new Peer({ term: 1 });
    peer.step(append(1, [0, 0], [1, 1, 1]), append(1, [0, 0], [1]));
    expect(terms(peer)).toEqual([1, 1, 1]);
    expect(peer.takeOf('append-entries-response').map(({ index }) => index)).toEqual([3, 1]);
  });

  it('never drops what it knows as committed, and says so to an append that was overtaken', () => {
    const peer = new Peer({ term: 1 });
    peer.step(append(1, [0, 0], [1, 1, 1], { commit: 3 }));
    peer.take();
    peer.step(append(1, [1, 1], [1], { commit: 1 }));
    expect(peer.status.commit).toBe(3);
    expect(peer.take()).toMatchObject([{ index: 3, rejected: false }]);
  });

  it('an older step of the disk that is done late does not make a newer entry durable (ABA)', () => {
    // etcd-io/raft, testdata/async_storage_writes_append_aba_race.txt; openraft#1960 (P33).
    const peer = new Peer({ term: 1, slowDisk: true });
    peer.step(append(1, [0, 0], [1, 1]));
    peer.step(append(2, [0, 0], [2], { from: 'n3' }));
    peer.step(append(3, [0, 0], [1, 1], { commit: 2 }));
    peer.take();
    peer.persist(1);
    expect(peer.takeOf('append-entries-response').filter(({ term }) => term === 3)).toEqual([]);
    expect(peer.committed).toEqual([]);
    peer.persist(1);
    expect(peer.committed).toEqual([]);
    peer.persist(1);
    const acknowledged = peer.takeOf('append-entries-response').filter(({ term }) => term === 3);
    expect(acknowledged).toMatchObject([{ index: 2, rejected: false }]);
    expect(peer.committed).toEqual(entries([1, 1]));
  });

  it('does not tell a deposed leader that it has what the next one replaced before it was durable', () => {
    const peer = new Peer({ term: 1, slowDisk: true });
    peer.step(append(1, [0, 0], [1]), append(2, [0, 0], [2], { from: 'n3' }));
    peer.persist();
    expect(peer.durable.entries).toEqual(entries([2]));
    expect(peer.takeOf('append-entries-response').map(({ to, term, index }) => [to, term, index])).toEqual([
      ['n3', 2, 1],
    ]);
  });

  it('commits no further than its log is known to be the leader’s', () => {
    const peer = new Peer({ terms: [1, 1, 1, 1] });
    peer.step(append(2, [1, 1], [1], { commit: 4 }));
    expect(peer.status.commit).toBe(2);
    peer.step(append(2, [2, 1], [2], { commit: 4 }));
    expect(peer.status.commit).toBe(3);
    expect(peer.committed.map(({ index, term }) => [index, term])).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
    ]);
  });

  it('takes the commit index from a heartbeat', () => {
    const peer = new Peer({ term: 1 });
    peer.step(append(1, [0, 0], [1, 1]));
    peer.step({ type: 'heartbeat', from: 'n2', to: 'n1', term: 1, commit: 2, round: 0 });
    expect(peer.committed).toEqual(entries([1, 1]));
  });

  it('the commit index never goes back', () => {
    const peer = new Peer({ term: 1 });
    peer.step(append(1, [0, 0], [1, 1], { commit: 2 }));
    peer.step({ type: 'heartbeat', from: 'n2', to: 'n1', term: 1, commit: 1, round: 0 });
    peer.step(append(1, [2, 1], [1], { commit: 0 }));
    expect(peer.status.commit).toBe(2);
  });

  it('hands entries out only once they are committed and durable on itself (R12)', () => {
    const peer = new Peer({ term: 1, slowDisk: true });
    peer.step(append(1, [0, 0], [1, 1], { commit: 2 }));
    expect(peer.status.commit).toBe(2);
    expect(peer.committed).toEqual([]);
    peer.persist();
    expect(peer.committed).toEqual(entries([1, 1]));
  });

  it('answers heartbeats while a write is under way (R3), unless they raise its term', () => {
    const peer = new Peer({ term: 1, slowDisk: true });
    peer.step(append(1, [0, 0], [1]));
    peer.step({ type: 'heartbeat', from: 'n2', to: 'n1', term: 1, commit: 0, round: 7 });
    expect(peer.take()).toEqual([{ type: 'heartbeat-response', from: 'n1', to: 'n2', term: 1, round: 7 }]);
    peer.step({ type: 'heartbeat', from: 'n3', to: 'n1', term: 2, commit: 0, round: 1 });
    expect(peer.take()).toEqual([]);
    peer.persist();
    expect(peer.takeOf('heartbeat-response')).toMatchObject([{ to: 'n3', term: 2, round: 1 }]);
  });

  it('a restart hands out again what the state machine does not hold, and nothing else', () => {
    const peer = new Peer({ terms: [1, 1, 1], commit: 2, applied: 1 });
    expect(peer.committed).toEqual([entry(2, 1)]);
    expect(peer.status).toMatchObject({ commit: 2, lastIndex: 3 });
  });

  it('starts when its durable state machine is ahead of the commit index, which may be forgotten', () => {
    const peer = new Peer({ terms: [1, 1, 1], commit: 0, applied: 2 });
    expect(peer.status).toMatchObject({ commit: 2, applied: 2 });
    expect(peer.committed).toEqual([]);
  });
});

describe('a leader', () => {
  it('opens its term with a no-op, sent to everybody at once', () => {
    const leader = new Peer({ terms: [1] });
    leader.campaign().step({ type: 'request-pre-vote-response', from: 'n2', to: 'n1', term: 2, rejected: false });
    leader.take();
    leader.step({ type: 'request-vote-response', from: 'n2', to: 'n1', term: 2, rejected: false });
    const appends = leader.takeOf('append-entries');
    expect(appends.map(({ to }) => to)).toEqual(['n2', 'n3']);
    for (const { previousIndex, previousTerm, entries: sent } of appends) {
      expect({ previousIndex, previousTerm }).toEqual({ previousIndex: 1, previousTerm: 1 });
      expect(sent).toMatchObject([{ index: 2, term: 2, kind: 'no-op', proposal: null }]);
    }
  });

  it('sends entries while it writes its own disk, and counts itself only once they are durable there', () => {
    const leader = establish(new Peer({ slowDisk: true }));
    leader.propose();
    expect(leader.takeOf('append-entries')).toHaveLength(2);
    leader.step(acknowledge(leader, 'n2', 2));
    expect(leader.status.commit).toBe(1);
    leader.persist();
    expect(leader.status.commit).toBe(2);
  });

  it('commits on a quorum of the others, and hands out only once durable on itself (R12)', () => {
    const leader = establish(new Peer({ slowDisk: true }));
    leader.propose().step(acknowledge(leader, 'n2', 2), acknowledge(leader, 'n3', 2));
    expect(leader.status.commit).toBe(2);
    expect(leader.committed.map(({ index }) => index)).toEqual([1]);
    leader.persist();
    expect(leader.committed.map(({ index }) => index)).toEqual([1, 2]);
  });

  it('does not commit before it is durable on a single voter (etcd#14370, P32)', () => {
    const leader = new Peer({ voters: ['n1'], slowDisk: true });
    leader.tick(10).persist().propose();
    expect(leader.status.commit).toBe(0);
    leader.persist();
    expect(leader.status.commit).toBe(2);
  });

  it('commits by counting only entries of its own term (section 5.4.2, Figure 8)', () => {
    const leader = elect(new Peer({ terms: [1, 2], term: 3 }));
    leader.step(acknowledge(leader, 'n2', 2), acknowledge(leader, 'n3', 2));
    expect(leader.status.commit).toBe(0);
    leader.step(acknowledge(leader, 'n2', 3));
    expect(leader.status.commit).toBe(3);
  });

  it('tells everybody of a new commit index at once, idle or not', () => {
    const leader = establish(new Peer());
    leader.propose();
    leader.take();
    leader.step(acknowledge(leader, 'n2', 2));
    const told = leader.takeOf('append-entries').map(({ to, commit }) => [to, commit]);
    expect(told).toContainEqual(['n2', 2]);
    expect(told).toContainEqual(['n3', 2]);
  });

  it('a follower that acknowledges after the commit is told the commit index with the answer', () => {
    const leader = establish(new Peer({ maxInflightAppends: 1 }));
    leader.propose();
    leader.step(acknowledge(leader, 'n2', 2));
    leader.take();
    leader.step(acknowledge(leader, 'n3', 2));
    expect(leader.takeOf('append-entries', 'n3')).toMatchObject([{ commit: 2 }]);
  });

  it('heartbeats carry no commit index beyond what the follower has acknowledged', () => {
    const leader = establish(new Peer());
    leader.propose().step(acknowledge(leader, 'n2', 2));
    leader.take();
    leader.tick();
    const commits = leader.takeOf('heartbeat').map(({ to, commit }) => [to, commit]);
    expect(commits).toEqual([
      ['n2', 2],
      ['n3', 1],
    ]);
  });

  it('a learner’s acknowledgement commits nothing', () => {
    const configuration = { voters: ['n1', 'n2', 'n3'], outgoing: [], learners: ['n4'] };
    const leader = establish(new Peer({ configuration }));
    leader.step(acknowledge(leader, 'n4', 1));
    leader.propose().step(acknowledge(leader, 'n4', 2));
    expect(leader.status.commit).toBe(1);
  });

  it('in a joint configuration both halves must have an entry', () => {
    const configuration = { voters: ['n1', 'n2', 'n3'], outgoing: ['n1', 'n4', 'n5'], learners: [] };
    const leader = elect(new Peer({ configuration }), ['n2', 'n4']);
    leader.step(acknowledge(leader, 'n2', 1), acknowledge(leader, 'n3', 1));
    expect(leader.status.commit).toBe(0);
    leader.step(acknowledge(leader, 'n4', 1));
    expect(leader.status.commit).toBe(1);
  });

  it('timestamps entries with its clock, never below the entry before', () => {
    const late = { ...entry(1, 1), timestampMs: 1_700_000_999_000 };
    const leader = establish(new Peer({ entries: [late], term: 1 }));
    leader.propose();
    expect(leader.durable.entries.map(({ timestampMs }) => timestampMs)).toEqual(
      Array.from({ length: 3 }, () => late.timestampMs),
    );
  });
});

describe('repairing a follower', () => {
  it('goes back by the hint, and skips a whole term at a time', () => {
    // etcd-io/raft, raft.go, stepLeader: the leader's log is behind the follower's in length, ahead in terms.
    const leader = elect(new Peer({ terms: [1, 3, 3, 3, 5, 5, 5, 5, 5] }));
    leader.step(refuse(leader, 'n2', 9, [6, 2]));
    expect(leader.takeOf('append-entries', 'n2')).toMatchObject([{ previousIndex: 1, previousTerm: 1 }]);
  });

  it('a refusal of an append that was overtaken since changes nothing', () => {
    const leader = elect(new Peer({ terms: [1, 1, 1, 1] }));
    leader.step(refuse(leader, 'n2', 4, [2, 1]));
    leader.take();
    leader.step(refuse(leader, 'n2', 4, [1, 1]));
    expect(leader.take()).toEqual([]);
    expect(leader.status.followers).toMatchObject([{ id: 'n2', nextIndex: 3 }, { id: 'n3' }]);
  });

  it('the match index never goes back, whatever order answers come in (P34)', () => {
    const leader = establish(new Peer());
    leader
      .propose()
      .propose()
      .step(acknowledge(leader, 'n2', 3));
    leader.step(acknowledge(leader, 'n2', 2), refuse(leader, 'n2', 2, [0, 0]), acknowledge(leader, 'n2', 1));
    expect(leader.status.followers).toMatchObject([{ id: 'n2', matchIndex: 3 }, { id: 'n3' }]);
    expect(leader.status.commit).toBe(3);
  });

  it('probes with one append at a time until one matches, then streams', () => {
    const leader = elect(new Peer({ terms: [1, 1] }));
    leader.propose().propose();
    expect(leader.takeOf('append-entries', 'n2')).toEqual([]);
    leader.step(acknowledge(leader, 'n2', 3));
    expect(
      leader.takeOf('append-entries', 'n2').flatMap(({ entries: sent }) => sent.map(({ index }) => index)),
    ).toEqual([4, 5]);
    leader.propose().propose();
    expect(leader.takeOf('append-entries', 'n2').map(({ previousIndex }) => previousIndex)).toEqual([5, 6]);
  });

  it('a lost probe is repeated after the next heartbeat’s answer', () => {
    const leader = elect(new Peer());
    leader.tick().take();
    leader.step({ type: 'heartbeat-response', from: 'n2', to: 'n1', term: 1, round: 0 });
    expect(leader.takeOf('append-entries', 'n2')).toMatchObject([{ previousIndex: 0, entries: [{ index: 1 }] }]);
  });

  it('an append lost from the stream is noticed at the next heartbeat’s answer and sent again', () => {
    const cluster = threePeers();
    const leader = cluster.peer('n1');
    leader.propose();
    cluster.deliver(({ type, to }) => type === 'append-entries' && to === 'n2');
    cluster.held.length = 0;
    leader.tick();
    cluster.deliver();
    expect(cluster.peer('n2').durable.entries).toHaveLength(2);
    expect(cluster.peer('n2').status.commit).toBe(2);
  });

  it('a follower reported as unreachable is probed again from its match index', () => {
    const leader = establish(new Peer());
    leader.propose().unreachable('n2');
    expect(leader.status.followers).toMatchObject([{ id: 'n2', state: 'probe', nextIndex: 2 }, { state: 'replicate' }]);
  });

  it('a diverged follower ends up with the leader’s log (Figure 7)', () => {
    const leaderTerms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    const others = [
      [1, 1, 1, 4, 4, 5, 5, 6, 6],
      [1, 1, 1, 4],
      [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
      [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
      [1, 1, 1, 4, 4, 4, 4],
      [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    ];
    const ids = ['n1', ...others.map((_, position) => `n${position + 2}`)];
    const peers = [leaderTerms, ...others].map(
      (own, position) =>
        new Peer({ id: ids[position] as string, voters: ids, terms: own, term: 7, bootId: position + 1 }),
    );
    const cluster = new Cluster(peers);
    const leader = cluster.elect('n1');
    leader.propose();
    cluster.deliver();
    for (const peer of peers) expect(terms(peer)).toEqual([...leaderTerms, 8, 8]);
    for (const peer of peers) expect(peer.committed).toEqual(leader.durable.entries);
  });
});

describe('flow control', () => {
  it('sends at most maxInflightAppends to a follower, and goes on with each answer', () => {
    const leader = establish(new Peer({ maxInflightAppends: 2 }));
    for (let write = 0; write < 5; write += 1) leader.propose();
    const sent = () =>
      leader.takeOf('append-entries', 'n2').flatMap(({ entries: some }) => some.map(({ index }) => index));
    expect(sent()).toEqual([2, 3]);
    leader.step(acknowledge(leader, 'n2', 2));
    expect(sent()).toEqual([4, 5, 6]);
  });

  it('sends at most maxInflightBytes to a follower', () => {
    const bytes = entryBytes(entry(1, 1)) + 1_000;
    const leader = establish(new Peer({ maxInflightBytes: 2 * bytes }));
    for (let write = 0; write < 5; write += 1) leader.propose([proposal(1, 1_003)]);
    const sent = () =>
      leader.takeOf('append-entries', 'n2').flatMap(({ entries: some }) => some.map(({ index }) => index));
    expect(sent()).toEqual([2, 3]);
    leader.step(acknowledge(leader, 'n2', 2));
    expect(sent()[0]).toBe(4);
  });

  it('puts at most maxAppendBytes into one append, and a larger entry alone', () => {
    const leader = establish(new Peer({ maxAppendBytes: 300 }));
    const sizes = [100, 100, 1_000, 10, 10, 10];
    leader.propose(sizes.map((size) => proposal(1, size)));
    leader.step(acknowledge(leader, 'n2', 1));
    const first = leader.takeOf('append-entries', 'n2').map(({ entries: some }) => some.map(({ index }) => index));
    for (const indexes of first) {
      const sum = indexes.reduce((total, index) => total + entryBytes(leader.durable.entries[index - 1] as never), 0);
      expect(indexes.length === 1 || sum <= 300).toBe(true);
    }
    for (let index = 2; index <= 7; index += 1) leader.step(acknowledge(leader, 'n2', index));
    expect(leader.status.followers).toMatchObject([{ id: 'n2', matchIndex: 7 }, { id: 'n3' }]);
  });

  it('full inflights hold back neither heartbeats nor, after the answer, what is missing', () => {
    const cluster = threePeers({ maxInflightAppends: 1 });
    const leader = cluster.peer('n1');
    for (let write = 0; write < 10; write += 1) leader.propose();
    leader.tick();
    expect(leader.takeOf('heartbeat', 'n2')).toHaveLength(1);
    cluster.deliver();
    for (let beat = 0; beat < 3; beat += 1) {
      leader.tick();
      cluster.deliver();
    }
    for (const peer of cluster.peers.values()) expect(peer.status.commit).toBe(11);
  });
});
