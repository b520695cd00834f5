/**
 * The answer to a heartbeat: the follower is alive and confirms the round. It says nothing of its log, so nothing may
 * be committed on its word.
 */
import type { HeartbeatResponse } from '../message.js';
import type { Raft } from '../raft.js';
import { acknowledgeRound, offerSnapshot, sendAppend } from '../roles/leader.js';

export function handleHeartbeatResponse(raft: Raft, message: HeartbeatResponse): void {
  const { leadership } = raft;
  const progress = leadership?.followers.get(message.from);
  if (leadership === null || progress === undefined) return;
  progress.recentlyActive = true;
  if (progress.mayResume) {
    // An append may have been lost: the follower may take one more. Once in a tick, not with every round of reads.
    progress.mayResume = false;
    progress.resume();
    if (progress.state === 'snapshot') offerSnapshot(raft, message.from);
    else if (progress.match < raft.log.lastIndex || progress.state === 'probe') {
      sendAppend(raft, leadership, message.from, progress, { evenIfEmpty: true });
    }
  }
  acknowledgeRound(raft, leadership, progress, message.round);
}
