/**
 * The leader's half of the read path, rule by rule (reads.md, R1 to R5). The scenarios are the published stale reads
 * of other systems: a bound given before the term's first commit, a read that joins a round already sent, tokens that
 * a requester chose.
 */
import { describe, expect, it } from 'vitest';
import type { RaftMessage } from '../../packages/quorate/src/core/index.js';
import { acknowledge, depose, elect, establish, type MessageOf, Peer, proposal, threePeers } from '../support/core.js';

function confirm(leader: Peer, from: string, round: number): RaftMessage {
  return { type: 'heartbeat-response', from, to: leader.id, term: leader.status.term, round };
}

function request(leader: Peer, from: string, sequence: number, origin = 2): RaftMessage {
  return { type: 'read-index-request', from, to: leader.id, term: leader.status.term, origin, sequence };
}

function roundsSent(leader: Peer, to = 'n2'): readonly number[] {
  return leader.takeOf('heartbeat', to).map(({ round }) => round);
}

/** 1, 2, … `count`, shifted. */
function numbers(count: number, after = 0): readonly number[] {
  return Array.from({ length: count }, (_, position) => after + position + 1);
}

describe('R1: the first commit of the term', () => {
  // etcd#7331, tikv#6340, redisraft#22, hashicorp/raft#626 (P4).
  it('a new leader gives no bound before an entry of its term is committed, although confirmed', () => {
    const leader = elect(new Peer({ terms: [1, 1] })).read(1);
    leader.step(confirm(leader, 'n2', 1), confirm(leader, 'n3', 1));
    expect(leader.reads).toEqual([]);
    leader.step(acknowledge(leader, 'n2', 2, 1));
    expect(leader.reads).toEqual([]);
    leader.step(acknowledge(leader, 'n2', 3, 1));
    expect(leader.reads).toEqual([{ read: 1, ok: true, index: 3, term: 2 }]);
  });

  it('a follower’s read waits, too: it is neither dropped nor refused', () => {
    const leader = elect(new Peer());
    leader.step(request(leader, 'n2', 7), confirm(leader, 'n2', 1));
    expect(leader.takeOf('read-index-response')).toEqual([]);
    expect(leader.takeOf('read-index-rejected')).toEqual([]);
    leader.step(acknowledge(leader, 'n2', 1, 1));
    expect(leader.takeOf('read-index-response')).toMatchObject([
      { to: 'n2', origin: 2, sequence: 7, index: 1, term: 1 },
    ]);
  });

  it('waits for the first entry of the term, not for the end of the log', () => {
    const leader = elect(new Peer({ terms: [1] }));
    leader.propose().propose().propose().read(1);
    leader.step(confirm(leader, 'n2', 1), acknowledge(leader, 'n2', 2, 1));
    expect(leader.reads).toEqual([{ read: 1, ok: true, index: 2, term: 2 }]);
  });

  it('a single voter is no exception', () => {
    const leader = new Peer({ voters: ['n1'], slowDisk: true, terms: [1, 1, 1], commit: 1 });
    leader.tick(10).persist(1);
    expect(leader.status.role).toBe('leader');
    leader.read(1);
    expect(leader.reads).toEqual([]);
    leader.persist();
    expect(leader.reads).toEqual([{ read: 1, ok: true, index: 4, term: 2 }]);
  });

  it('the bound is the commit index at arrival', () => {
    const leader = establish(new Peer());
    leader.propose().step(acknowledge(leader, 'n2', 2));
    leader
      .read(1)
      .propose()
      .step(acknowledge(leader, 'n2', 3, 0));
    leader.step(confirm(leader, 'n2', 1));
    expect(leader.reads).toEqual([{ read: 1, ok: true, index: 2, term: 1 }]);
  });

  it('a voter alone with learners answers by itself (etcd#10589, P11)', () => {
    const configuration = { voters: ['n1'], outgoing: [], learners: ['n2'] };
    const leader = new Peer({ configuration });
    leader.tick(10).read(1);
    leader.step(request(leader, 'n2', 1));
    expect(leader.reads).toMatchObject([{ read: 1, ok: true }]);
    expect(leader.takeOf('read-index-response')).toMatchObject([{ to: 'n2', index: 1 }]);
  });
});

describe('R2: confirm before answering', () => {
  // d-engine#381 (P7): answered before the quorum round because everything was applied already.
  it('answers nothing before a quorum of voters has acknowledged the round', () => {
    const leader = establish(new Peer({ voters: ['n1', 'n2', 'n3', 'n4', 'n5'] }), ['n2', 'n3', 'n4', 'n5']).read(1);
    expect(leader.reads).toEqual([]);
    leader.step(confirm(leader, 'n2', 1), confirm(leader, 'n2', 1));
    expect(leader.reads).toEqual([]);
    leader.step(confirm(leader, 'n5', 1));
    expect(leader.reads).toMatchObject([{ read: 1, ok: true }]);
  });

  it('an accepted append and a refused one of the same term confirm like a heartbeat’s answer', () => {
    const accepted = establish(new Peer()).read(1);
    accepted.step(acknowledge(accepted, 'n2', 1, 1));
    expect(accepted.reads).toMatchObject([{ ok: true }]);
    const refused = establish(new Peer()).read(1);
    const base = { type: 'append-entries-response', from: 'n2', to: 'n1', term: 1 } as const;
    refused.step({ ...base, index: 5, rejected: true, hintIndex: 1, hintTerm: 1, round: 1 });
    expect(refused.reads).toMatchObject([{ ok: true }]);
  });

  it('learners never count', () => {
    const configuration = { voters: ['n1', 'n2', 'n3'], outgoing: [], learners: ['n4', 'n5'] };
    const leader = establish(new Peer({ configuration })).read(1);
    leader.step(confirm(leader, 'n4', 1), confirm(leader, 'n5', 1), acknowledge(leader, 'n4', 1, 1));
    expect(leader.reads).toEqual([]);
    leader.step(confirm(leader, 'n3', 1));
    expect(leader.reads).toMatchObject([{ ok: true }]);
  });

  it('nor do strangers', () => {
    const leader = establish(new Peer()).read(1);
    leader.step(confirm(leader, 'n8', 1), confirm(leader, 'n9', 1));
    expect(leader.reads).toEqual([]);
  });

  // JRaft getQuorum ignores the old configuration (S4).
  it('in a joint configuration both halves must confirm', () => {
    const configuration = { voters: ['n1', 'n2', 'n3'], outgoing: ['n1', 'n4', 'n5'], learners: [] };
    const leader = establish(new Peer({ configuration }), ['n2', 'n3', 'n4', 'n5']).read(1);
    leader.step(confirm(leader, 'n2', 1), confirm(leader, 'n3', 1));
    expect(leader.reads).toEqual([]);
    leader.step(confirm(leader, 'n5', 1));
    expect(leader.reads).toMatchObject([{ ok: true }]);
  });

  it('an answer of an earlier term confirms nothing', () => {
    const leader = establish(new Peer({ terms: [1, 1] })).read(1);
    leader.step({ type: 'heartbeat-response', from: 'n2', to: 'n1', term: 1, round: 1 });
    expect(leader.reads).toEqual([]);
  });
});

describe('R3: sent after', () => {
  it('every heartbeat and append carries the current round', () => {
    const leader = establish(new Peer());
    leader.tick().propose();
    expect(leader.take().map((message) => (message as MessageOf<'heartbeat'>).round)).toEqual([0, 0, 0, 0]);
    leader.read(1).tick().propose();
    const rounds = leader.take().map((message) => (message as MessageOf<'heartbeat'>).round);
    expect(new Set(rounds)).toEqual(new Set([1]));
  });

  it('a read opens a round at once when none is in flight, with a heartbeat to everybody', () => {
    const leader = establish(new Peer()).read(1);
    expect(leader.takeOf('heartbeat').map(({ to, round }) => [to, round])).toEqual([
      ['n2', 1],
      ['n3', 1],
    ]);
  });

  it('a read is not confirmed by acknowledgements of a round that was sent before it arrived', () => {
    const leader = establish(new Peer()).read(1).read(2);
    leader.step(confirm(leader, 'n2', 1), confirm(leader, 'n3', 1));
    expect(leader.reads.map(({ read }) => read)).toEqual([1]);
    leader.step(confirm(leader, 'n2', 2));
    expect(leader.reads.map(({ read }) => read)).toEqual([1, 2]);
  });

  it('nor by an acknowledgement of an ordinary heartbeat or append sent before', () => {
    const leader = establish(new Peer());
    leader.tick().propose().take();
    leader.read(1);
    leader.step(confirm(leader, 'n2', 0), acknowledge(leader, 'n2', 2, 0), acknowledge(leader, 'n3', 2, 0));
    expect(leader.reads).toEqual([]);
  });

  it('when a round ends the next opens if reads wait, and none opens if none wait', () => {
    const leader = establish(new Peer()).read(1);
    leader.read(2, 3);
    expect(roundsSent(leader)).toEqual([1]);
    leader.step(confirm(leader, 'n2', 1));
    expect(roundsSent(leader)).toEqual([2]);
    leader.step(confirm(leader, 'n3', 2));
    expect(leader.reads.map(({ read }) => read)).toEqual([1, 2, 3]);
    expect(roundsSent(leader)).toEqual([]);
  });

  it('a further round opens while one is in flight once 32 reads wait, and at most 4 are in flight', () => {
    const leader = establish(new Peer()).read(1);
    leader.read(...numbers(31, 1));
    expect(roundsSent(leader)).toEqual([1]);
    leader.read(33);
    expect(roundsSent(leader)).toEqual([2]);
    leader.read(...numbers(200, 33));
    expect(roundsSent(leader)).toEqual([3, 4]);
    leader.step(confirm(leader, 'n2', 1));
    expect(leader.reads.map(({ read }) => read)).toEqual([1]);
    expect(roundsSent(leader)).toEqual([5]);
    leader.step(confirm(leader, 'n3', 5));
    expect(leader.reads.map(({ read }) => read)).toEqual(numbers(233));
  });

  it('an acknowledgement of a later round confirms the earlier ones, in the order of arrival', () => {
    const leader = establish(new Peer()).read(1);
    leader.read(...numbers(32, 1));
    leader.step(confirm(leader, 'n3', 2));
    expect(leader.reads.map(({ read }) => read)).toEqual(numbers(33));
  });

  it('different voters may acknowledge different rounds: the lower one is what both confirm', () => {
    const voters = ['n1', 'n2', 'n3', 'n4', 'n5'];
    const leader = establish(new Peer({ voters }), voters.slice(1)).read(1);
    leader.read(...numbers(32, 1));
    leader.step(confirm(leader, 'n2', 2), confirm(leader, 'n3', 1));
    expect(leader.reads.map(({ read }) => read)).toEqual([1]);
  });

  it('a round whose heartbeats were lost is confirmed by the next ordinary heartbeat', () => {
    const cluster = threePeers();
    const leader = cluster.peer('n1').read(1);
    leader.take();
    leader.tick();
    cluster.deliver();
    expect(leader.reads).toMatchObject([{ read: 1, ok: true }]);
  });

  it('no read waits for a follower’s disk', () => {
    const cluster = threePeers();
    for (const id of ['n2', 'n3']) cluster.peer(id).slowDisk = true;
    const leader = cluster.peer('n1').propose().read(1);
    cluster.peer('n2').read(2);
    cluster.deliver();
    for (const id of ['n2', 'n3']) expect(cluster.peer(id).durable.entries).toHaveLength(1);
    expect(leader.reads).toMatchObject([{ read: 1, ok: true, index: 1 }]);
    expect(cluster.peer('n2').reads).toMatchObject([{ read: 2, ok: true, index: 1 }]);
  });

  // TiKV test_read_index_after_write, tikv#7971 (P8): a later read got the earlier one's index.
  it('a read after an acknowledged write gets at least the index of the write, whatever batch it is in', () => {
    const leader = establish(new Peer()).read(1);
    leader
      .propose()
      .step(acknowledge(leader, 'n2', 2, 0))
      .read(2);
    leader.step(confirm(leader, 'n2', 1), confirm(leader, 'n3', 1));
    expect(leader.reads).toEqual([{ read: 1, ok: true, index: 1, term: 1 }]);
    leader.step(confirm(leader, 'n3', 2));
    expect(leader.reads).toContainEqual({ read: 2, ok: true, index: 2, term: 1 });
  });

  // MicroRaft QueryState.addQuery, Ratis ReadIndexHeartbeats (S2, S3); hashicorp/raft VerifyLeader (P3).
  it('a deposed leader does not answer a read that arrived after the acknowledgements were sent', () => {
    const cluster = threePeers();
    const deposed = cluster.peer('n1').read(1);
    cluster.deliver(({ to }) => to === 'n1');
    const answers = cluster.held.splice(0);
    expect(answers.map(({ type }) => type)).toEqual(['heartbeat-response', 'heartbeat-response']);
    depose(cluster);
    deposed.read(2).step(...answers);
    expect(deposed.reads).toEqual([{ read: 1, ok: true, index: 1, term: 1 }]);
    deposed.tick(20);
    expect(deposed.reads).toContainEqual({ read: 2, ok: false, reason: 'leadership-lost' });
  });
});

describe('R4: the leader’s own numbers', () => {
  // etcd#20418, etcd-io/raft#397 (TestReadOnlyDuplicateRequest), antfly#599 (P5).
  it('a duplicated request and late acknowledgements confirm nothing that arrived since', () => {
    const cluster = threePeers();
    const [one, two] = [cluster.peer('n1'), cluster.peer('n2')];
    two.read(1);
    const [duplicate] = two.takeOf('read-index-request');
    one.step(duplicate as RaftMessage);
    cluster.deliver(({ type }) => type === 'heartbeat-response');
    const late = cluster.held.splice(0);
    expect(late.length).toBeGreaterThan(0);
    one.tick();
    cluster.deliver();
    expect(two.reads).toMatchObject([{ read: 1, ok: true }]);
    depose(cluster);
    one.read(2);
    one.step(duplicate as RaftMessage, ...late, ...late);
    expect(one.reads).toEqual([]);
  });

  it('a duplicate of an acknowledgement counts for its own round only', () => {
    const leader = establish(new Peer()).read(1);
    const answer = confirm(leader, 'n2', 1);
    leader.step(answer).read(2).step(answer, answer);
    expect(leader.reads.map(({ read }) => read)).toEqual([1]);
  });

  it('rounds are not reset by the loss of leadership within the life of a term, and a new term begins its own', () => {
    const leader = establish(new Peer()).read(1);
    leader.step(confirm(leader, 'n2', 1));
    leader.tick(20);
    const again = establish(leader).read(2);
    expect(again.status.term).toBe(2);
    again.step({ type: 'heartbeat-response', from: 'n2', to: 'n1', term: 1, round: 1 });
    expect(again.reads.map(({ read }) => read)).toEqual([1]);
    again.step(confirm(again, 'n2', 1));
    expect(again.reads.map(({ read }) => read)).toEqual([1, 2]);
  });
});

describe('R5: loss is loud', () => {
  const waiting = () => {
    const leader = establish(new Peer({ electionTicks: 10 })).read(1, 2);
    leader.step(request(leader, 'n2', 7)).take();
    return leader;
  };

  it('a higher term settles all reads at once, with a reason, the followers’ too', () => {
    const leader = waiting();
    leader.step({ type: 'heartbeat', from: 'n3', to: 'n1', term: 2, commit: 0, round: 0 });
    expect(leader.reads).toEqual([
      { read: 1, ok: false, reason: 'leadership-lost' },
      { read: 2, ok: false, reason: 'leadership-lost' },
    ]);
    expect(leader.takeOf('read-index-rejected')).toMatchObject([
      { to: 'n2', origin: 2, sequence: 7, reason: 'leadership-lost' },
    ]);
  });

  it('so does the loss of the quorum', () => {
    const leader = waiting().tick(20);
    expect(leader.reads.map(({ ok }) => ok)).toEqual([false, false]);
    expect(leader.takeOf('read-index-rejected')).toHaveLength(1);
  });

  it('reads that wait for the first commit of the term are settled, too', () => {
    const leader = elect(new Peer()).read(1);
    leader.step(confirm(leader, 'n2', 1));
    leader.step({ type: 'heartbeat', from: 'n3', to: 'n1', term: 2, commit: 0, round: 0 });
    expect(leader.reads).toEqual([{ read: 1, ok: false, reason: 'leadership-lost' }]);
  });

  it('rounds go on during a transfer, and a failed transfer under constant reads ends (openraft#1749, P20)', () => {
    const leader = establish(new Peer({ electionTicks: 10 }));
    leader.transfer('n3');
    for (const read of numbers(12)) {
      leader
        .read(read)
        .step(confirm(leader, 'n2', read))
        .tick();
      expect(leader.reads.at(-1)).toMatchObject({ read, ok: true });
    }
    leader.propose([proposal()]);
    expect(leader.rejected).toEqual([]);
  });

  it('reads do not keep a leader without a quorum in place', () => {
    const leader = establish(new Peer({ electionTicks: 10 }));
    for (const read of numbers(20)) leader.read(read).tick();
    expect(leader.status.role).toBe('follower');
    expect(leader.reads).toHaveLength(20);
  });

  // raft-rs#167, tikv#4071 (P10): the answer to the read was lost when the acknowledgement also set off an append.
  it('an acknowledgement that sets off an append answers the read, too', () => {
    const leader = establish(new Peer());
    leader.propose().propose().tick();
    leader.step(request(leader, 'n2', 1)).take();
    leader.step(confirm(leader, 'n2', 1));
    expect(
      leader
        .take()
        .map(({ type }) => type)
        .sort(),
    ).toEqual(['append-entries', 'read-index-response']);
  });

  it('a cancelled read never ends', () => {
    const leader = establish(new Peer()).read(1, 2);
    leader.raw.cancelRead(1);
    leader.step(confirm(leader, 'n2', 1), confirm(leader, 'n2', 2));
    expect(leader.reads.map(({ read }) => read)).toEqual([2]);
  });
});

describe('limits', () => {
  it('above maxWaitingReads a read ends as overloaded at once, a follower’s too', () => {
    const leader = establish(new Peer({ maxWaitingReads: 3 })).read(1, 2, 3, 4);
    expect(leader.reads).toEqual([{ read: 4, ok: false, reason: 'overloaded' }]);
    leader.step(request(leader, 'n2', 5));
    expect(leader.takeOf('read-index-rejected')).toMatchObject([{ sequence: 5, reason: 'overloaded' }]);
    leader.step(confirm(leader, 'n2', 1), confirm(leader, 'n2', 2)).read(6);
    expect(leader.reads.filter(({ ok }) => !ok)).toHaveLength(1);
  });

  // hashicorp/raft#291, TestRaftFreesReadOnlyMem, etcd#7571 (P36).
  it('reads that have ended, in whatever way, hold no place, although one voter is dead', () => {
    const leader = establish(new Peer({ maxWaitingReads: 4 }));
    for (const read of numbers(1_000)) {
      leader.read(3 * read, 3 * read + 1, 3 * read + 2);
      leader.raw.cancelRead(3 * read + 1);
      const [round] = roundsSent(leader);
      leader.step(confirm(leader, 'n2', round as number));
      leader.step(confirm(leader, 'n2', roundsSent(leader)[0] as number));
    }
    expect(leader.reads).toHaveLength(2_000);
    expect(leader.reads.every(({ ok }) => ok)).toBe(true);
  });
});
