/**
 * TimeoutNow: the leader hands over; campaign at once, without a pre-vote. A member that does not vote must not
 * campaign.
 */
import type { TimeoutNow } from '../message.js';
import type { Raft } from '../raft.js';
import { campaign } from '../roles/candidate.js';

export function handleTimeoutNow(raft: Raft, message: TimeoutNow): void {
  if (raft.leader === message.from) campaign(raft, 'transfer');
}
