/**
 * AppendEntries: a leader's entries after a position, its commit index and round (Raft, Figure 2; section 5.3).
 * Nothing is acknowledged before it is durable here (R12), and only what matches the leader's log is ever committed.
 */
import type { AppendEntries } from '../message.js';
import type { Raft } from '../raft.js';
import { followSender } from './from-leader.js';

export function handleAppendEntries(raft: Raft, message: AppendEntries): void {
  followSender(raft, message.from);
  const { log } = raft;
  const { from: to, previousIndex, previousTerm, entries, commit, round } = message;
  if (previousIndex < log.committed && !overlaps(message, log.committed)) {
    // An append that was overtaken: the leader has everything that is committed here (Leader Completeness).
    raft.commitAsFollower(log.committed, commit);
    accept(raft, to, log.committed, round);
    return;
  }
  // What was cut off here is committed, and so the same in the leader's log.
  const isCutOff = previousIndex < log.start.index;
  if (!isCutOff && !log.matches({ index: previousIndex, term: previousTerm })) {
    const hintIndex = log.lastIndexWithin(previousIndex, previousTerm);
    const hintTerm = log.termAt(hintIndex);
    const type = 'append-entries-response';
    raft.send({ type, to, index: previousIndex, rejected: true, hintIndex, hintTerm, round });
    return;
  }
  log.merge(entries);
  const matched = previousIndex + entries.length;
  raft.commitAsFollower(matched, commit);
  accept(raft, to, matched, round);
}

/** True when the append reaches beyond what is committed here, so that it can bring something new. */
function overlaps({ previousIndex, entries }: AppendEntries, committed: number): boolean {
  return previousIndex + entries.length > committed;
}

/** Tells the leader, once it is durable, that all up to `index` is the same as its own. */
export function accept(raft: Raft, to: string, index: number, round: number): void {
  const none = { rejected: false, hintIndex: 0, hintTerm: 0 };
  raft.send({ type: 'append-entries-response', to, index, ...none, round }, index);
}
