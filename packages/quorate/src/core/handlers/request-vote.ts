/**
 * RequestVote and RequestPreVote: grant to a candidate whose log is at least as complete, one vote in a term (Raft,
 * sections
 * 5.2, 5.4.1; dissertation, section 9.6). A vote leaves only once it is durable (R11); a pre-vote changes nothing.
 */
import type { RequestPreVote, RequestVote } from '../message.js';
import type { Raft } from '../raft.js';

export function handleRequestVote(raft: Raft, message: RequestVote): void {
  const { from: to, lastIndex, lastTerm } = message;
  const free = raft.vote === to || (raft.vote === null && raft.leader === null);
  const granted = free && raft.log.isUpToDate({ index: lastIndex, term: lastTerm });
  if (granted) {
    raft.voteFor(to);
    raft.electionElapsed = 0;
  }
  raft.send({ type: 'request-vote-response', to, rejected: !granted });
}

export function handleRequestPreVote(raft: Raft, message: RequestPreVote): void {
  const { from: to, lastIndex, lastTerm } = message;
  const granted = message.term > raft.term && raft.log.isUpToDate({ index: lastIndex, term: lastTerm });
  const type = 'request-pre-vote-response';
  // Granted in the term that was asked about; refused in the node's own, from which a candidate that is behind learns
  // it.
  const term = granted ? message.term : raft.term;
  raft.sendAs({ type, from: raft.id, to, term, rejected: !granted });
}

/**
 * A voter that hears of its leader helps nobody to depose it (Raft dissertation, section 4.2.3), except in a
 * transfer, which the leader itself asked for.
 */
export function leaderIsHeardOf(raft: Raft): boolean {
  return raft.leader !== null && raft.electionElapsed < raft.options.electionTicks;
}
