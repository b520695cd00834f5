/**
 * The follower's half of the read path (reads.md, R4, R5 and Shape): one hop to the leader, asked again until
 * answered, fresh numbers for every sending, answers for another process dropped, and the commit index that comes
 * with the answer.
 */
import { describe, expect, it } from 'vitest';
import type { RaftMessage } from '../../packages/quorate/src/core/index.js';
import { entries, type MessageOf, Peer, type PeerOptions, threePeers } from '../support/core.js';

/** A follower of n2 in term 1 that has acknowledged two entries and knows none as committed. */
function follower(options: PeerOptions = {}): Peer {
  const peer = new Peer({ term: 1, electionTicks: 10, bootId: 77, ...options });
  const position = { previousIndex: 0, previousTerm: 0, entries: entries([1, 1]) };
  const append = { type: 'append-entries', from: 'n2', to: 'n1', term: 1, commit: 0, round: 0 } as const;
  peer.step({ ...append, ...position }).take();
  return peer;
}

function answer(request: MessageOf<'read-index-request'>, index: number, commit = index): RaftMessage {
  const { from: to, to: from, term, origin, sequence } = request;
  return { type: 'read-index-response', from, to, term, origin, sequence, index, commit };
}

function requests(peer: Peer): readonly MessageOf<'read-index-request'>[] {
  return peer.takeOf('read-index-request');
}

/** The one request that has left. */
function request(peer: Peer): MessageOf<'read-index-request'> {
  const [only, ...others] = requests(peer);
  expect(others).toEqual([]);
  return only as MessageOf<'read-index-request'>;
}

describe('asking', () => {
  it('asks the leader, under its boot id and a number', () => {
    const peer = follower().read(1);
    expect(request(peer)).toMatchObject({ from: 'n1', to: 'n2', term: 1, origin: 77 });
  });

  it('the answer ends the read, once', () => {
    const peer = follower().read(1);
    const response = answer(request(peer), 2);
    peer.step(response, response);
    expect(peer.reads).toEqual([{ read: 1, ok: true, index: 2, term: 1 }]);
  });

  it('each read has its own number, and answers may come in any order (P30)', () => {
    const peer = follower().read(1, 2, 3);
    const [one, two, three] = requests(peer).map((asked, position) => answer(asked, 10 + position));
    peer.step(three as RaftMessage, one as RaftMessage, two as RaftMessage);
    expect(peer.reads.map((result) => (result.ok ? [result.read, result.index] : null))).toEqual([
      [3, 12],
      [1, 10],
      [2, 11],
    ]);
  });

  it('asks again after a heartbeat interval, under a fresh number', () => {
    const peer = follower({ heartbeatTicks: 3 }).read(1);
    const first = request(peer);
    peer.tick(2);
    expect(requests(peer)).toEqual([]);
    peer.tick();
    const second = request(peer);
    expect(second.sequence).not.toBe(first.sequence);
    expect(second).toMatchObject({ to: 'n2', origin: 77 });
  });

  it.each([0, 1, 2])('takes the answer to any sending of the request (%i), and only one', (which) => {
    const peer = follower().read(1);
    peer.tick(2);
    const sent = requests(peer);
    expect(sent).toHaveLength(3);
    peer.step(answer(sent[which] as MessageOf<'read-index-request'>, 2));
    expect(peer.reads).toEqual([{ read: 1, ok: true, index: 2, term: 1 }]);
    for (const other of sent) peer.step(answer(other, 9));
    expect(peer.reads).toHaveLength(1);
    peer.tick(3);
    expect(requests(peer)).toEqual([]);
  });

  it('asks again at the next tick when messages to the leader may have been lost', () => {
    const peer = follower({ heartbeatTicks: 5 }).read(1);
    const first = request(peer);
    peer.unreachable('n3').tick();
    expect(requests(peer)).toEqual([]);
    peer.unreachable('n2').tick();
    expect(request(peer).sequence).toBeGreaterThan(first.sequence);
  });

  it('a number is never used twice, not even for another read after the first was cancelled', () => {
    const peer = follower().read(1);
    const first = request(peer);
    peer.raw.cancelRead(1);
    peer.read(1);
    expect(request(peer).sequence).not.toBe(first.sequence);
    peer.step(answer(first, 1));
    expect(peer.reads).toEqual([]);
  });

  it('drops answers that were given to another process of this node', () => {
    const peer = follower().read(1);
    const asked = request(peer);
    peer.step(answer({ ...asked, origin: 76 }, 2));
    const { from: to, to: from, sequence } = asked;
    peer.step({ type: 'read-index-rejected', from, to, term: 1, origin: 76, sequence, reason: 'overloaded' });
    expect(peer.reads).toEqual([]);
    expect(peer.status.commit).toBe(0);
    peer.step(answer(asked, 2));
    expect(peer.reads).toHaveLength(1);
  });

  it('above maxWaitingReads a read ends as overloaded, and an ended one makes room', () => {
    const peer = follower({ maxWaitingReads: 2 }).read(1, 2, 3);
    expect(peer.reads).toEqual([{ read: 3, ok: false, reason: 'overloaded' }]);
    peer.step(answer(requests(peer)[0] as MessageOf<'read-index-request'>, 2)).read(4);
    expect(request(peer)).toMatchObject({ to: 'n2' });
  });

  it('a cancelled read is not asked for again and never ends', () => {
    const peer = follower().read(1);
    const asked = request(peer);
    peer.raw.cancelRead(1);
    peer.tick(3).step(answer(asked, 2));
    expect(requests(peer)).toEqual([]);
    expect(peer.reads).toEqual([]);
  });
});

describe('no leader, another leader', () => {
  it('without a leader a read ends at once, on a candidate, too (P9)', () => {
    const peer = new Peer({ term: 1 }).read(1).campaign().read(2);
    expect(peer.reads).toEqual([
      { read: 1, ok: false, reason: 'no-leader' },
      { read: 2, ok: false, reason: 'no-leader' },
    ]);
  });

  it('one hop: a node that does not lead refuses, and does not ask another', () => {
    const peer = follower();
    const asked = { type: 'read-index-request', from: 'n3', to: 'n1', term: 1, origin: 3, sequence: 5 } as const;
    peer.step(asked);
    expect(peer.take()).toMatchObject([
      { type: 'read-index-rejected', to: 'n3', origin: 3, sequence: 5, reason: 'not-leader' },
    ]);
  });

  it('a request of an earlier term is refused, with the term', () => {
    const peer = new Peer({ term: 4 });
    peer.step({ type: 'read-index-request', from: 'n3', to: 'n1', term: 1, origin: 3, sequence: 5 });
    expect(peer.take()).toMatchObject([{ type: 'read-index-rejected', to: 'n3', term: 4, sequence: 5 }]);
  });

  it('the leader’s refusal ends the read with its reason', () => {
    const peer = follower().read(1);
    const { from: to, to: from, origin, sequence } = request(peer);
    peer.step({ type: 'read-index-rejected', from, to, term: 1, origin, sequence, reason: 'overloaded' });
    expect(peer.reads).toEqual([{ read: 1, ok: false, reason: 'overloaded' }]);
  });

  // etcd#11483, #9566, #13464, RATIS-2044 (P9): reads that hung when the leader changed.
  it.each([
    ['a leader of a later term', (peer: Peer) => peer.step(heartbeat(2, 'n3'))],
    ['a vote in a later term', (peer: Peer) => peer.tick(10).step(vote(2))],
    ['its own campaign', (peer: Peer) => peer.tick(10)],
    ['an order to campaign', (peer: Peer) => peer.step({ type: 'timeout-now', from: 'n2', to: 'n1', term: 1 })],
    [
      'a refusal that tells a later term',
      (peer: Peer) =>
        peer.step({
          ...heartbeat(2, 'n2'),
          type: 'read-index-rejected',
          origin: 77,
          sequence: 1,
          reason: 'not-leader',
        }),
    ],
  ])('%s ends all reads under way at once, with a reason', (_, change) => {
    const peer = follower().read(1, 2);
    change(peer);
    expect(peer.reads).toHaveLength(2);
    for (const result of peer.reads) expect(result.ok).toBe(false);
  });

  it('an answer of the deposed leader that arrives afterwards is dropped', () => {
    const peer = follower().read(1);
    const late = answer(request(peer), 2);
    peer.step(heartbeat(2, 'n3')).step(late);
    expect(peer.reads).toEqual([{ read: 1, ok: false, reason: 'leadership-lost' }]);
    expect(peer.status.commit).toBe(0);
  });
});

describe('the commit index in the answer', () => {
  it('lets the follower commit what it has accepted from this leader', () => {
    const peer = follower().read(1);
    peer.step(answer(request(peer), 2, 2));
    expect(peer.committed).toEqual(entries([1, 1]));
  });

  it('but no more than that, and the append that fills the gap commits without a further message', () => {
    const peer = follower().read(1);
    peer.step(answer(request(peer), 4, 4));
    expect(peer.status.commit).toBe(2);
    const gap = { previousIndex: 2, previousTerm: 1, entries: entries([1, 1], 3) };
    peer.step({ type: 'append-entries', from: 'n2', to: 'n1', term: 1, ...gap, commit: 2, round: 0 });
    expect(peer.status.commit).toBe(4);
    expect(peer.committed).toEqual(entries([1, 1, 1, 1]));
  });

  // raft-rs#346, TiKV test_replica_read_on_stale_peer (P31).
  it('does not commit a tail of an earlier term that this leader has not confirmed', () => {
    const peer = new Peer({ terms: [1, 1, 1], term: 2, bootId: 77 });
    peer.step(heartbeat(2, 'n2')).read(1);
    peer.step(answer(request(peer), 3, 3));
    expect(peer.reads).toMatchObject([{ ok: true, index: 3 }]);
    expect(peer.status.commit).toBe(0);
    expect(peer.committed).toEqual([]);
  });

  it('a follower’s read right after a write through another node is served without a further message', () => {
    const cluster = threePeers();
    cluster.peer('n2').propose();
    // The news of the commit does not reach n3: its read has to bring it.
    const isNews = (message: RaftMessage) =>
      message.to === 'n3' && message.type === 'append-entries' && message.commit === 2;
    cluster.deliver(isNews);
    const reader = cluster.peer('n3');
    expect(reader.status.commit).toBe(1);
    reader.read(1);
    cluster.deliver(isNews);
    expect(reader.reads).toMatchObject([{ read: 1, ok: true, index: 2 }]);
    expect(reader.committed.at(-1)?.index).toBe(2);
  });
});

function heartbeat(term: number, from: string): RaftMessage & { type: 'heartbeat' } {
  return { type: 'heartbeat', from, to: 'n1', term, commit: 0, round: 0 };
}

function vote(term: number): RaftMessage {
  return { type: 'request-vote', from: 'n3', to: 'n1', term, lastIndex: 9, lastTerm: 9, transfer: false };
}
