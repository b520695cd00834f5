/**
 * Reads: a follower's request for a bound, and the leader's answer. The bound is captured when the request arrives
 * (R1) and answered only after a round that is opened later is confirmed (R2, R3). An answer moves the follower's
 * commit index, too.
 */
import type { ReadIndexRejected, ReadIndexRequest, ReadIndexResponse } from '../message.js';
import type { Raft } from '../raft.js';
import type { Reader } from '../read-rounds.js';
import { openRoundIfDue } from '../roles/leader.js';

/** On the leader: a read has arrived, its own or a follower's. */
export function captureRead(raft: Raft, reader: Reader): void {
  const { leadership } = raft;
  if (leadership === null) {
    raft.refuseRead(reader, 'not-leader');
    return;
  }
  if (leadership.rounds.full) {
    raft.refuseRead(reader, 'overloaded');
    return;
  }
  const bound = Math.max(raft.log.committed, leadership.firstIndex);
  leadership.rounds.add({ reader, bound });
  openRoundIfDue(raft, leadership);
}

export function handleReadIndexRequest(raft: Raft, message: ReadIndexRequest): void {
  const { from, origin, sequence } = message;
  captureRead(raft, { kind: 'remote', from, origin, sequence });
}

export function handleReadIndexResponse(raft: Raft, message: ReadIndexResponse): void {
  if (message.origin !== raft.bootId) return;
  const { state } = raft;
  if (state.role === 'follower' && state.leader === message.from) raft.commitAsFollower(0, message.commit);
  const read = raft.requests.settle(message.sequence);
  if (read !== null) raft.outbox.reads.push({ read, ok: true, index: message.index, term: message.term });
}

export function handleReadIndexRejected(raft: Raft, message: ReadIndexRejected): void {
  if (message.origin !== raft.bootId) return;
  const read = raft.requests.settle(message.sequence);
  if (read !== null) raft.outbox.reads.push({ read, ok: false, reason: message.reason });
}
