/**
 * Propose: commands on their way from a follower, one hop. Only a leader in exactly the term they were sent in may
 * append them, and none twice, however often the network delivers them: that is what makes a refusal mean "not
 * applied".
 */
import type { ProposalRejection, Propose, ProposeRejected } from '../message.js';
import type { Raft } from '../raft.js';
import { propose } from '../roles/leader.js';

export function handlePropose(raft: Raft, message: Propose): void {
  const { from: to, term } = message;
  const fresh = message.proposals.filter(({ id }) => raft.seen.first(id));
  if (fresh.length === 0) return;
  const { leadership } = raft;
  let reason: ProposalRejection | null;
  if (leadership !== null && term === raft.term) reason = propose(raft, leadership, fresh);
  // An earlier process of this node may have led that term and appended them: to refuse them now could be a lie.
  else if (term <= raft.mayHaveLed) return;
  else reason = term === raft.term ? 'not-leader' : 'term-changed';
  if (reason !== null) raft.send({ type: 'propose-rejected', to, ids: fresh.map(({ id }) => id), reason });
}

export function handleProposeRejected(raft: Raft, message: ProposeRejected): void {
  const ids = message.ids.filter(({ origin }) => origin === raft.bootId);
  if (ids.length > 0) raft.outbox.rejected.push({ ids, reason: message.reason, term: message.term });
}
