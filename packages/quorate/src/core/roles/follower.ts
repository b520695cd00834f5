/**
 * What a node that does not lead does as time passes: it campaigns when it has not heard of a leader for an election
 * timeout, and sends read requests again that are unanswered. It must never campaign while its leader is heard of.
 */
import type { Raft } from '../raft.js';
import { campaign } from './candidate.js';

export function tickFollower(raft: Raft): void {
  raft.electionElapsed++;
  if (raft.electionElapsed >= raft.electionTimeoutTicks) {
    if (raft.isVoter && !raft.diskIsStalled) campaign(raft, 'pre-vote');
    // Not one to campaign; but the leader is not heard of any more, and others may have this node's vote.
    else raft.becomeFollower(raft.term, null);
    return;
  }
  const { leader } = raft;
  if (leader === null) return;
  for (const sequence of raft.requests.tick()) {
    raft.send({ type: 'read-index-request', to: leader, origin: raft.bootId, sequence });
  }
}
