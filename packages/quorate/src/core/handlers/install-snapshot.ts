/**
 * InstallSnapshot: what this follower lacks next is no longer in the leader's log (Raft, section 7). The state itself
 * is fetched by the caller, and comes back through `restore`. It must never take what is in this log for missing.
 */
import type { LogStart } from '../entry.js';
import type { InstallSnapshot } from '../message.js';
import type { Raft } from '../raft.js';
import { accept } from './append-entries.js';
import { followSender } from './from-leader.js';

export function handleInstallSnapshot(raft: Raft, message: InstallSnapshot): void {
  followSender(raft, message.from);
  const { from, index, snapshotTerm: term } = message;
  if (raft.log.lacks({ index, term })) raft.outbox.offers.push({ from, index, term });
  else haveSnapshot(raft, from, index);
}

/** The state up to `start` is there, to take the place of a log that lacks it. Returns whether it does. */
export function restore(raft: Raft, start: LogStart): boolean {
  const { log, leader } = raft;
  if (!log.lacks(start)) {
    if (leader !== null && leader !== raft.id) haveSnapshot(raft, leader, start.index);
    return false;
  }
  // A candidate without it cannot win, and a leader has everything that is committed (Leader Completeness).
  if (raft.state.role !== 'follower') raft.becomeFollower(raft.term, null);
  log.restart(start);
  raft.snapshot = start;
  if (leader !== null) haveSnapshot(raft, leader, start.index);
  return true;
}

/** What a snapshot contains is committed, and the same in this log and in that of any leader from then on. */
function haveSnapshot(raft: Raft, leader: string, index: number): void {
  raft.commitAsFollower(index, index);
  accept(raft, leader, Math.max(index, raft.log.committed), 0);
}
