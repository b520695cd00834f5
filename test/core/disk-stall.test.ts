/**
 * A disk that stalls: the node that has it neither leads nor campaigns until the disk makes progress again (decision
 * 5).
 */
import { describe, expect, it } from 'vitest';
import { acknowledge, establish, Peer } from '../support/core.js';

describe('a stalled disk', () => {
  it('makes the leader step down after an election timeout, though its followers are well', () => {
    const leader = establish(new Peer({ electionTicks: 10 }));
    leader.slowDisk = true;
    leader.propose();
    leader.take();
    for (let tick = 0; tick < 9; tick++) {
      leader
        .tick()
        .step(acknowledge(leader, 'n2', 2), acknowledge(leader, 'n3', 2))
        .take();
      expect(leader.status.role).toBe('leader');
    }
    for (let tick = 0; tick < 2; tick++) leader.tick().take();
    expect(leader.status).toMatchObject({ role: 'follower', leader: null });
  });

  it('does not make a leader step down whose disk is slow and makes progress', () => {
    const leader = establish(new Peer({ electionTicks: 10 }));
    leader.slowDisk = true;
    for (let round = 0; round < 20; round++) {
      leader.propose().take();
      for (let tick = 0; tick < 5; tick++) {
        const { lastIndex } = leader.status;
        leader
          .tick()
          .step(acknowledge(leader, 'n2', lastIndex - 1), acknowledge(leader, 'n3', lastIndex - 1))
          .take();
      }
      leader.persist().take();
    }
    expect(leader.status.role).toBe('leader');
  });

  it('keeps a follower from campaigning, but not from seeing that its leader is gone', () => {
    const peer = new Peer({ electionTicks: 10, term: 3, slowDisk: true });
    const append = {
      type: 'append-entries',
      from: 'n2',
      to: 'n1',
      term: 3,
      previousIndex: 0,
      previousTerm: 0,
    } as const;
    const entry = {
      index: 1,
      term: 3,
      kind: 'no-op',
      timestampMs: 0,
      proposal: null,
      data: new Uint8Array(0),
    } as const;
    peer.step({ ...append, entries: [entry], commit: 0, round: 0 }).take();
    expect(peer.status.leader).toBe('n2');
    peer.tick(40);
    expect(peer.status).toMatchObject({ role: 'follower', leader: null, term: 3 });
    expect(peer.takeOf('request-pre-vote')).toEqual([]);
    expect(peer.status.diskStalledTicks).toBeGreaterThanOrEqual(10);
    peer.persist();
    peer.slowDisk = false;
    peer.tick(20);
    expect(peer.takeOf('request-pre-vote')).not.toEqual([]);
    expect(peer.status.diskStalledTicks).toBe(0);
  });

  it('keeps a follower from campaigning when its leader hands over to it', () => {
    const peer = new Peer({ electionTicks: 10, term: 3, slowDisk: true });
    const from = { from: 'n2', to: 'n1', term: 3 } as const;
    const noOp = { index: 1, term: 3, kind: 'no-op', timestampMs: 0, proposal: null, data: new Uint8Array(0) } as const;
    const place = { previousIndex: 0, previousTerm: 0, commit: 0, round: 0 } as const;
    peer.step({ type: 'append-entries', ...from, ...place, entries: [noOp] }).take();
    for (let tick = 0; tick < 15; tick += 1) {
      peer
        .tick()
        .step({ type: 'heartbeat', ...from, commit: 0, round: 0 })
        .take();
    }
    peer.step({ type: 'timeout-now', ...from });
    expect(peer.status).toMatchObject({ role: 'follower', leader: 'n2', term: 3 });
  });
});
