/**
 * The answer to an append: what the follower has, or where the logs may still agree. Both confirm the round they echo
 * (R2), and neither may move a match index back.
 */
import type { AppendEntriesResponse } from '../message.js';
import type { Raft } from '../raft.js';
import { acknowledgeRound, maybeCommit, sendAppend } from '../roles/leader.js';

export function handleAppendEntriesResponse(raft: Raft, message: AppendEntriesResponse): void {
  const { leadership } = raft;
  const progress = leadership?.followers.get(message.from);
  if (leadership === null || progress === undefined) return;
  const { from, index } = message;
  progress.recentlyActive = true;
  if (message.rejected) {
    // The follower's hint may be of a term that this log has not: skip that whole term at once.
    const hint = raft.log.lastIndexWithin(message.hintIndex, message.hintTerm);
    if (progress.rejected(index, hint)) sendAppend(raft, leadership, from, progress, { evenIfEmpty: true });
  } else {
    const news = progress.acknowledged(index);
    const isKnown = progress.state === 'probe' && progress.match === index;
    const isBack = progress.state === 'snapshot' && progress.match >= raft.log.start.index;
    if (isKnown || isBack) progress.become('replicate');
    else if (progress.state === 'replicate') progress.freed(index);
    const toldAll = news && maybeCommit(raft, leadership);
    if (!toldAll && progress.sentCommit < raft.log.committed) {
      sendAppend(raft, leadership, from, progress, { evenIfEmpty: true });
    }
    while (sendAppend(raft, leadership, from, progress, { evenIfEmpty: false }));
    if (leadership.transferee === from && progress.match === raft.log.lastIndex) {
      raft.send({ type: 'timeout-now', to: from });
    }
  }
  acknowledgeRound(raft, leadership, progress, message.round);
}
