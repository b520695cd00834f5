/**
 * Leader election, sentence by sentence: Raft sections 5.1, 5.2 and 5.4.1, pre-vote (dissertation, section 9.6),
 * check-quorum (6.2), and that a vote is durable before it leaves (R11).
 */
import { describe, expect, it } from 'vitest';
import type { NodeId, RaftMessage } from '../../packages/quorate/src/core/index.js';
import { Cluster, elect, entries, establish, Peer, threePeers } from '../support/core.js';

function requestVote(
  from: NodeId,
  to: NodeId,
  term: number,
  last: readonly [number, number],
  transfer = false,
): RaftMessage {
  return { type: 'request-vote', from, to, term, lastIndex: last[0], lastTerm: last[1], transfer };
}

function requestPreVote(from: NodeId, to: NodeId, term: number, last: readonly [number, number]): RaftMessage {
  return { type: 'request-pre-vote', from, to, term, lastIndex: last[0], lastTerm: last[1] };
}

function heartbeat(from: NodeId, to: NodeId, term: number, commit = 0, round = 0): RaftMessage {
  return { type: 'heartbeat', from, to, term, commit, round };
}

describe('starting an election', () => {
  it('a node starts as follower', () => {
    expect(new Peer().status).toMatchObject({ role: 'follower', term: 0, leader: null });
  });

  it('a follower asks for pre-votes after an election timeout without a leader, and changes nothing by that', () => {
    const peer = new Peer({ electionTicks: 10, terms: [1, 1] });
    peer.tick(9);
    expect(peer.take()).toEqual([]);
    peer.tick();
    expect(peer.takeOf('request-pre-vote')).toEqual([
      requestPreVote('n1', 'n2', 2, [2, 1]),
      requestPreVote('n1', 'n3', 2, [2, 1]),
    ]);
    expect(peer.status).toMatchObject({ role: 'pre-candidate', term: 1 });
    expect(peer.durable.hardState).toEqual({ term: 1, vote: null, commit: 0 });
  });

  it('election timeouts lie in [electionTicks, 2 × electionTicks) and spread with the injected randomness', () => {
    const ticksUntilCampaign = (random: number) => {
      const peer = new Peer({ electionTicks: 10, random: () => random });
      let ticks = 0;
      while (peer.status.role === 'follower') {
        peer.tick();
        ticks += 1;
      }
      return ticks;
    };
    expect(ticksUntilCampaign(0)).toBe(10);
    expect(ticksUntilCampaign(0.55)).toBe(15);
    expect(ticksUntilCampaign(0.999)).toBe(19);
  });

  it('the timeout is drawn anew for each campaign, so that split votes do not repeat for ever', () => {
    const draws = [0, 0.9, 0];
    const peer = new Peer({ electionTicks: 10, random: () => draws.shift() ?? 0 });
    peer.tick(10);
    peer.take();
    peer.tick(18);
    expect(peer.takeOf('request-pre-vote')).toEqual([]);
    peer.tick();
    expect(peer.takeOf('request-pre-vote')).toHaveLength(2);
  });

  it('a heartbeat resets the election timer', () => {
    const peer = new Peer({ term: 1, electionTicks: 10 });
    for (let beat = 0; beat < 5; beat += 1) peer.tick(9).step(heartbeat('n2', 'n1', 1));
    expect(peer.status).toMatchObject({ role: 'follower', leader: 'n2', term: 1 });
  });

  it('with a quorum of pre-votes it takes the next term, votes for itself and asks for votes', () => {
    const peer = new Peer({ terms: [1] });
    peer.campaign().take();
    peer.step({ type: 'request-pre-vote-response', from: 'n2', to: 'n1', term: 2, rejected: false });
    expect(peer.status).toMatchObject({ role: 'candidate', term: 2 });
    expect(peer.durable.hardState).toMatchObject({ term: 2, vote: 'n1' });
    expect(peer.take()).toEqual([requestVote('n1', 'n2', 2, [1, 1]), requestVote('n1', 'n3', 2, [1, 1])]);
  });

  it('asks for votes only once its own term and vote are durable, and all steps before (R11)', () => {
    const peer = new Peer({ slowDisk: true, term: 1 });
    peer.step({
      ...{ type: 'append-entries', from: 'n2', to: 'n1', term: 1, previousIndex: 0, previousTerm: 0 },
      ...{ entries: entries([1]), commit: 0, round: 0 },
    });
    peer.campaign().take();
    peer.step({ type: 'request-pre-vote-response', from: 'n2', to: 'n1', term: 2, rejected: false });
    expect(peer.takeOf('request-vote')).toEqual([]);
    peer.persist(peer.steps.length - 1);
    expect(peer.takeOf('request-vote')).toEqual([]);
    peer.persist();
    expect(peer.durable).toMatchObject({ hardState: { term: 2, vote: 'n1' }, entries: entries([1]) });
    expect(peer.takeOf('request-vote')).toHaveLength(2);
  });

  it('counts its own vote only once that is durable', () => {
    const peer = new Peer({ slowDisk: true });
    peer.campaign();
    peer.step({ type: 'request-pre-vote-response', from: 'n2', to: 'n1', term: 1, rejected: false });
    peer.step({ type: 'request-vote-response', from: 'n2', to: 'n1', term: 1, rejected: false });
    expect(peer.status.role).toBe('candidate');
    peer.persist();
    expect(peer.status.role).toBe('leader');
  });

  it('one vote more than half wins: 2 of 3, 3 of 4, 3 of 5', () => {
    for (const [size, needed] of [
      [3, 2],
      [4, 3],
      [5, 3],
    ] as const) {
      const voters = Array.from({ length: size }, (_, position) => `n${position + 1}`);
      const peer = new Peer({ voters });
      peer.campaign();
      for (const from of voters.slice(1, needed)) {
        peer.step({ type: 'request-pre-vote-response', from, to: 'n1', term: 1, rejected: false });
      }
      for (const from of voters.slice(1, needed)) {
        expect(peer.status.role).toBe('candidate');
        peer.step({ type: 'request-vote-response', from, to: 'n1', term: 1, rejected: false });
      }
      expect(peer.status.role).toBe('leader');
    }
  });

  it('the same voter counts once, however often its answer arrives', () => {
    const peer = new Peer({ voters: ['n1', 'n2', 'n3', 'n4', 'n5'] });
    peer.campaign();
    for (const from of ['n2', 'n3']) {
      peer.step({ type: 'request-pre-vote-response', from, to: 'n1', term: 1, rejected: false });
    }
    for (let copy = 0; copy < 3; copy += 1) {
      peer.step({ type: 'request-vote-response', from: 'n2', to: 'n1', term: 1, rejected: false });
    }
    expect(peer.status.role).toBe('candidate');
  });

  it('a candidate refused by a majority becomes follower, in the same term', () => {
    const peer = new Peer();
    peer.campaign();
    peer.step({ type: 'request-pre-vote-response', from: 'n2', to: 'n1', term: 1, rejected: false });
    for (const from of ['n2', 'n3']) {
      peer.step({ type: 'request-vote-response', from, to: 'n1', term: 1, rejected: true });
    }
    expect(peer.status).toMatchObject({ role: 'follower', term: 1 });
  });

  it('a candidate that hears of a leader of its term follows it', () => {
    const peer = new Peer();
    peer.campaign();
    peer.step({ type: 'request-pre-vote-response', from: 'n2', to: 'n1', term: 1, rejected: false });
    peer.step(heartbeat('n3', 'n1', 1));
    expect(peer.status).toMatchObject({ role: 'follower', leader: 'n3', term: 1 });
  });

  it('votes of an earlier term do not count', () => {
    const peer = new Peer({ term: 4 });
    peer.campaign();
    peer.step({ type: 'request-pre-vote-response', from: 'n2', to: 'n1', term: 5, rejected: false });
    peer.step({ type: 'request-vote-response', from: 'n2', to: 'n1', term: 4, rejected: false });
    expect(peer.status).toMatchObject({ role: 'candidate', term: 5 });
  });

  it('a single voter elects itself, once its vote is durable', () => {
    const peer = new Peer({ voters: ['n1'], slowDisk: true });
    peer.tick(10);
    expect(peer.status).toMatchObject({ role: 'candidate', term: 1 });
    peer.persist();
    expect(peer.status).toMatchObject({ role: 'leader', term: 1 });
  });

  it('learners neither campaign nor are asked for votes', () => {
    const configuration = { voters: ['n1', 'n2'], outgoing: [], learners: ['n3'] };
    const learner = new Peer({ id: 'n3', configuration });
    expect(learner.tick(50).campaign().take()).toEqual([]);
    const voter = new Peer({ id: 'n1', configuration });
    expect(
      voter
        .campaign()
        .take()
        .map(({ to }) => to),
    ).toEqual(['n2']);
    voter.step({ type: 'request-pre-vote-response', from: 'n3', to: 'n1', term: 1, rejected: false });
    expect(voter.status.role).toBe('pre-candidate');
  });

  it('in a joint configuration both halves must agree', () => {
    const configuration = { voters: ['n1', 'n2', 'n3'], outgoing: ['n1', 'n4', 'n5'], learners: [] };
    const peer = new Peer({ configuration });
    peer.campaign();
    for (const from of ['n2', 'n3']) {
      peer.step({ type: 'request-pre-vote-response', from, to: 'n1', term: 1, rejected: false });
      expect(peer.status.role).toBe('pre-candidate');
    }
    peer.step({ type: 'request-pre-vote-response', from: 'n4', to: 'n1', term: 1, rejected: false });
    expect(peer.status.role).toBe('candidate');
    peer.step({ type: 'request-vote-response', from: 'n2', to: 'n1', term: 1, rejected: false });
    expect(peer.status.role).toBe('candidate');
    peer.step({ type: 'request-vote-response', from: 'n5', to: 'n1', term: 1, rejected: false });
    expect(peer.status.role).toBe('leader');
  });
});

describe('voting', () => {
  it('grants to a candidate of a higher term, and answers only once term and vote are durable (R11)', () => {
    const peer = new Peer({ slowDisk: true });
    peer.step(requestVote('n2', 'n1', 1, [0, 0]));
    expect(peer.take()).toEqual([]);
    peer.persist();
    expect(peer.durable.hardState).toMatchObject({ term: 1, vote: 'n2' });
    expect(peer.take()).toEqual([{ type: 'request-vote-response', from: 'n1', to: 'n2', term: 1, rejected: false }]);
  });

  it('votes for one candidate in a term, first come first served, and for the same one again', () => {
    const peer = new Peer();
    peer.step(
      requestVote('n2', 'n1', 1, [0, 0]),
      requestVote('n3', 'n1', 1, [0, 0]),
      requestVote('n2', 'n1', 1, [0, 0]),
    );
    expect(peer.takeOf('request-vote-response').map(({ to, rejected }) => [to, rejected])).toEqual([
      ['n2', false],
      ['n3', true],
      ['n2', false],
    ]);
  });

  it('keeps its vote over a crash (R11)', () => {
    const peer = new Peer();
    peer.step(requestVote('n2', 'n1', 1, [0, 0]));
    const again = peer.restart();
    again.step(requestVote('n3', 'n1', 1, [0, 0]));
    expect(again.takeOf('request-vote-response')).toMatchObject([{ to: 'n3', rejected: true }]);
    again.step(requestVote('n2', 'n1', 1, [0, 0]));
    expect(again.takeOf('request-vote-response')).toMatchObject([{ to: 'n2', rejected: false }]);
  });

  it('does not forget its vote when a leader of the same term appears and goes', () => {
    const peer = new Peer({ term: 1, vote: 'n2', electionTicks: 10 });
    peer
      .step(heartbeat('n2', 'n1', 1))
      .tick(10)
      .take();
    expect(peer.status.role).toBe('pre-candidate');
    peer.step(requestVote('n3', 'n1', 1, [9, 1]));
    expect(peer.takeOf('request-vote-response')).toMatchObject([{ to: 'n3', rejected: true }]);
    expect(peer.durable.hardState.vote).toBe('n2');
  });

  it('a leader that steps down in its term does not vote again in it', () => {
    const leader = establish(new Peer({ electionTicks: 10 }));
    leader.tick(20).take();
    expect(leader.status).toMatchObject({ role: 'follower', term: 1 });
    leader.step(requestVote('n2', 'n1', 1, [9, 1]));
    expect(leader.takeOf('request-vote-response')).toMatchObject([{ rejected: true }]);
  });

  it('refuses a candidate whose log is behind: the last term decides, then the length', () => {
    const grants = (last: readonly [number, number]) => {
      const peer = new Peer({ terms: [1, 2, 2] });
      peer.step(requestVote('n2', 'n1', 5, last));
      return peer.takeOf('request-vote-response').map(({ rejected }) => !rejected);
    };
    expect(grants([9, 1])).toEqual([false]);
    expect(grants([2, 2])).toEqual([false]);
    expect(grants([3, 2])).toEqual([true]);
    expect(grants([4, 2])).toEqual([true]);
    expect(grants([1, 3])).toEqual([true]);
  });

  it('counts the end of its log that is not durable yet when it judges a candidate', () => {
    const peer = new Peer({ slowDisk: true, term: 1, electionTicks: 10 });
    peer.step({
      ...{ type: 'append-entries', from: 'n3', to: 'n1', term: 1, previousIndex: 0, previousTerm: 0 },
      ...{ entries: entries([1, 1]), commit: 0, round: 0 },
    });
    peer.tick(10).take();
    peer.step(requestVote('n2', 'n1', 2, [1, 1])).persist();
    expect(peer.takeOf('request-vote-response')).toMatchObject([{ rejected: true }]);
  });

  it('a vote that could not be given still raises the term', () => {
    const peer = new Peer({ terms: [1, 1] });
    peer.step(requestVote('n2', 'n1', 7, [1, 1]));
    expect(peer.durable.hardState).toMatchObject({ term: 7, vote: null });
  });

  it('granting a vote resets the election timer', () => {
    const peer = new Peer({ electionTicks: 10 });
    peer
      .tick(9)
      .step(requestVote('n2', 'n1', 1, [0, 0]))
      .take();
    peer.tick(9);
    expect(peer.status.role).toBe('follower');
  });
});

describe('pre-vote', () => {
  it('is granted to a candidate with a log at least as complete, and changes neither term nor vote', () => {
    const peer = new Peer({ terms: [1, 1] });
    peer.step(requestPreVote('n2', 'n1', 2, [2, 1]), requestPreVote('n3', 'n1', 2, [2, 1]));
    const granted = { type: 'request-pre-vote-response', from: 'n1', term: 2, rejected: false };
    expect(peer.take()).toEqual([
      { ...granted, to: 'n2' },
      { ...granted, to: 'n3' },
    ]);
    expect(peer.status.term).toBe(1);
    expect(peer.steps).toEqual([]);
    expect(peer.durable.hardState).toEqual({ term: 1, vote: null, commit: 0 });
  });

  it('is refused to a candidate whose log is behind, in the own term', () => {
    const peer = new Peer({ terms: [1, 1] });
    peer.step(requestPreVote('n2', 'n1', 2, [1, 1]));
    expect(peer.take()).toEqual([{ type: 'request-pre-vote-response', from: 'n1', to: 'n2', term: 1, rejected: true }]);
  });

  it('is not given while a leader is heard of', () => {
    const peer = new Peer({ term: 1, electionTicks: 10 });
    peer.step(heartbeat('n2', 'n1', 1)).take();
    peer.tick(9).step(requestPreVote('n3', 'n1', 2, [9, 9]));
    expect(peer.takeOf('request-pre-vote-response').filter(({ rejected }) => !rejected)).toEqual([]);
    expect(peer.status).toMatchObject({ term: 1, leader: 'n2' });
  });

  it('is not given by a leader', () => {
    const leader = establish(new Peer());
    leader.step(requestPreVote('n3', 'n1', 2, [9, 9]));
    expect(leader.takeOf('request-pre-vote-response').filter(({ rejected }) => !rejected)).toEqual([]);
    expect(leader.status).toMatchObject({ role: 'leader', term: 1 });
  });

  it('a pre-candidate that is behind in terms learns the term from the refusal', () => {
    const peer = new Peer({ term: 1 });
    peer.campaign().take();
    peer.step({ type: 'request-pre-vote-response', from: 'n2', to: 'n1', term: 5, rejected: true });
    expect(peer.status).toMatchObject({ role: 'follower', term: 5 });
  });

  it('an isolated node does not raise its term, however long, and does not depose the leader when it returns', () => {
    const cluster = threePeers();
    const away = cluster.peer('n3');
    for (let timeout = 0; timeout < 20; timeout += 1) away.tick(10);
    away.take();
    expect(away.status).toMatchObject({ role: 'pre-candidate', term: 1 });
    away.campaign();
    cluster.deliver();
    cluster.peer('n1').tick();
    cluster.deliver();
    for (const id of ['n1', 'n2', 'n3']) expect(cluster.peer(id).status).toMatchObject({ term: 1, leader: 'n1' });
  });

  // openraft 511f33c7 (P35): grants of an earlier campaign must not count for a later one.
  it('a grant for another term than the one it would campaign in does not count', () => {
    const peer = new Peer({ term: 3 });
    peer.campaign();
    peer.step({ type: 'request-pre-vote-response', from: 'n2', to: 'n1', term: 3, rejected: false });
    peer.step({ type: 'request-pre-vote-response', from: 'n3', to: 'n1', term: 9, rejected: false });
    expect(peer.status).toMatchObject({ role: 'pre-candidate', term: 3 });
  });

  // CCF pre_vote_double_leader (P35).
  it('a grant that arrives at a leader or follower changes nothing', () => {
    const leader = establish(new Peer());
    leader.step({ type: 'request-pre-vote-response', from: 'n3', to: 'n1', term: 2, rejected: false });
    expect(leader.status).toMatchObject({ role: 'leader', term: 1 });
    const follower = new Peer({ term: 1 });
    follower.step({ type: 'request-pre-vote-response', from: 'n3', to: 'n1', term: 2, rejected: false });
    expect(follower.status).toMatchObject({ role: 'follower', term: 1 });
  });

  it('a request for a vote is ignored while a leader is heard of, but for a transfer', () => {
    const peer = new Peer({ term: 1, electionTicks: 10 });
    peer.step(heartbeat('n2', 'n1', 1)).take();
    peer.step(requestVote('n3', 'n1', 2, [9, 9]));
    expect(peer.take()).toEqual([]);
    expect(peer.status.term).toBe(1);
    peer.step(requestVote('n3', 'n1', 2, [9, 9], true));
    expect(peer.takeOf('request-vote-response')).toMatchObject([{ term: 2, rejected: false }]);
  });
});

describe('terms', () => {
  it('a leader that sees a higher term becomes follower, durably', () => {
    const leader = establish(new Peer());
    leader.step(heartbeat('n2', 'n1', 4));
    expect(leader.status).toMatchObject({ role: 'follower', term: 4, leader: 'n2' });
    expect(leader.durable.hardState).toMatchObject({ term: 4, vote: null });
  });

  it('answers a leader of an earlier term with its own term, and does not follow it', () => {
    const peer = new Peer({ term: 5 });
    peer.step(heartbeat('n2', 'n1', 3));
    expect(peer.status.leader).toBeNull();
    expect(peer.take()).toMatchObject([{ to: 'n2', term: 5 }]);
    const cluster = new Cluster([
      elect(new Peer({ id: 'n2', term: 2, bootId: 2 }), ['n1', 'n3']),
      new Peer({ term: 5 }),
    ]);
    cluster.peer('n2').tick();
    cluster.deliver();
    expect(cluster.peer('n2').status).toMatchObject({ role: 'follower', term: 5 });
  });

  it('entries of a leader of an earlier term are not taken', () => {
    const peer = new Peer({ term: 5 });
    peer.step({
      ...{ type: 'append-entries', from: 'n2', to: 'n1', term: 3, previousIndex: 0, previousTerm: 0 },
      ...{ entries: entries([3]), commit: 1, round: 0 },
    });
    expect(peer.status).toMatchObject({ lastIndex: 0, commit: 0 });
  });
});

describe('check-quorum', () => {
  it('a leader that hears from no quorum for an election timeout steps down, in its term', () => {
    const leader = establish(new Peer({ electionTicks: 10 }));
    leader.tick(20);
    expect(leader.status).toMatchObject({ role: 'follower', term: 1, leader: null });
  });

  it('a leader that hears from a quorum stays, whatever the answer is', () => {
    const leader = establish(new Peer({ electionTicks: 10 }));
    for (let timeout = 0; timeout < 5; timeout += 1) {
      leader.tick(9).step({ type: 'heartbeat-response', from: 'n2', to: 'n1', term: 1, round: 0 }).tick();
    }
    expect(leader.status.role).toBe('leader');
  });

  it('learners do not count', () => {
    const configuration = { voters: ['n1', 'n2', 'n3'], outgoing: [], learners: ['n4', 'n5'] };
    const leader = establish(new Peer({ electionTicks: 10, configuration }));
    for (let beat = 0; beat < 20; beat += 1) {
      leader.tick();
      if (leader.status.role !== 'leader') break;
      for (const from of ['n4', 'n5']) leader.step({ type: 'heartbeat-response', from, to: 'n1', term: 1, round: 0 });
    }
    expect(leader.status.role).toBe('follower');
  });

  it('a single voter stays leader for ever', () => {
    const leader = new Peer({ voters: ['n1'] });
    leader.tick(500);
    expect(leader.status).toMatchObject({ role: 'leader', term: 1 });
  });

  it('a leader whose messages arrive and whose answers are lost steps down, so that another can be elected', () => {
    const cluster = threePeers({ electionTicks: 10 });
    const isLost = ({ to }: RaftMessage) => to === 'n1';
    for (let tick = 0; tick < 60; tick += 1) {
      for (const peer of cluster.peers.values()) peer.tick();
      cluster.deliver(isLost);
    }
    expect(cluster.peer('n1').status.role).not.toBe('leader');
    expect([...cluster.peers.values()].filter(({ status }) => status.role === 'leader')).toHaveLength(1);
  });
});
