/** A voter's answer to a candidate or pre-candidate. Answers to a campaign that is over must not count for the next. */
import type { RequestPreVoteResponse, RequestVoteResponse } from '../message.js';
import type { Raft } from '../raft.js';
import { recordVote } from '../roles/candidate.js';

export function handleRequestVoteResponse(raft: Raft, message: RequestVoteResponse): void {
  if (raft.state.role === 'candidate') recordVote(raft, message.from, !message.rejected);
}

export function handleRequestPreVoteResponse(raft: Raft, message: RequestPreVoteResponse): void {
  if (raft.state.role !== 'pre-candidate') return;
  // A grant names the term of the campaign it was given for; a pre-vote of an earlier campaign says nothing of this
  // one.
  if (!message.rejected && message.term !== raft.term + 1) return;
  recordVote(raft, message.from, !message.rejected);
}
