/**
 * Heartbeat: the leader is there, and asks to be confirmed in a round. The answer waits for no disk unless the term
 * is not durable yet (R3).
 */
import { invariant } from '../../errors/index.js';
import type { Heartbeat } from '../message.js';
import type { Raft } from '../raft.js';
import { followSender } from './from-leader.js';

export function handleHeartbeat(raft: Raft, message: Heartbeat): void {
  followSender(raft, message.from);
  // The commit index of a heartbeat is at most what this node has acknowledged in this term, so its log matches up to
  // there.
  invariant(message.commit <= raft.log.lastIndex, 'what was acknowledged is still there', { commit: message.commit });
  raft.commitAsFollower(message.commit, message.commit);
  raft.send({ type: 'heartbeat-response', to: message.from, round: message.round });
}
