/**
 * Propose: commands on their way from a follower, one hop. Only a leader in exactly the term they were sent in may
 * append them, and none twice, however often the network delivers them: that is what makes a refusal mean "not
 * applied".
 */
import type { Propose, ProposeRejected } from '../message.js';
import type { Raft } from '../raft.js';
import { propose } from '../roles/leader.js';

export function handlePropose(raft: Raft, message: Propose): void {
  const { from: to } = message;
  const { leadership } = raft;
  if (leadership === null || message.term !== raft.term) {
    const reason = message.term === raft.term ? 'not-leader' : 'term-changed';
    // Not what this node may have appended while it led that term: the log tells what becomes of those.
    const ids = message.proposals.map(({ id }) => id).filter((id) => raft.neverAppended(message.term, id));
    if (ids.length > 0) raft.send({ type: 'propose-rejected', to, ids, reason });
    return;
  }
  const fresh = message.proposals.filter(({ id }) => leadership.seen.first(id));
  if (fresh.length === 0) return;
  const reason = propose(raft, leadership, fresh);
  if (reason !== null) raft.send({ type: 'propose-rejected', to, ids: fresh.map(({ id }) => id), reason });
}

export function handleProposeRejected(raft: Raft, message: ProposeRejected): void {
  const ids = message.ids.filter(({ origin }) => origin === raft.bootId);
  if (ids.length > 0) raft.outbox.rejected.push({ ids, reason: message.reason, term: message.term });
}
