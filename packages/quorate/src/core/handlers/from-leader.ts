/**
 * What an AppendEntries and a Heartbeat have in common: their sender leads this term. Two leaders in one term must
 * never be followed.
 */
import { invariant } from '../../errors/index.js';
import type { NodeId } from '../entry.js';
import type { Raft } from '../raft.js';

export function followSender(raft: Raft, from: NodeId): void {
  const { state } = raft;
  invariant(state.role !== 'leader', 'one leader in a term', { term: raft.term, other: from });
  if (state.role !== 'follower' || state.leader === null) raft.becomeFollower(raft.term, from);
  else invariant(state.leader === from, 'one leader in a term', { term: raft.term, leader: state.leader, other: from });
  raft.electionElapsed = 0;
}
