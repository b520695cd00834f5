/**
 * How a node tries to become leader: first it asks whether it could win (pre-vote), then it asks for votes in a new
 * term. It counts its own vote only once that is durable (R11); a pre-vote changes nothing anywhere.
 */
import { unreachable } from '../../errors/index.js';
import { isVoter, members } from '../configuration.js';
import type { NodeId } from '../entry.js';
import { voteOutcome } from '../quorum.js';
import type { Raft } from '../raft.js';
import { becomeLeader } from './leader.js';

/**
 * The election timeout has passed, or a transfer tells the node to campaign. Members that do not vote never campaign,
 * nor does a node whose disk has stalled.
 */
export function campaign(raft: Raft, kind: 'pre-vote' | 'vote' | 'transfer'): void {
  if (!raft.isVoter) return;
  // Whoever cannot write can lead nobody. The write that hangs is the probe: once it ends, this passes.
  if (raft.diskIsStalled) return;
  switch (kind) {
    case 'pre-vote':
      raft.become({ role: 'pre-candidate', votes: new Map() });
      askVoters(raft, (to) => {
        const { index: lastIndex, term: lastTerm } = raft.log.last;
        const term = raft.term + 1;
        raft.sendAs({ type: 'request-pre-vote', from: raft.id, to, term, lastIndex, lastTerm });
      });
      recordVote(raft, raft.id, true);
      return;
    case 'vote':
    case 'transfer':
      raft.become({ role: 'candidate', votes: new Map() }, raft.term + 1);
      raft.voteFor(raft.id);
      askVoters(raft, (to) => {
        const { index: lastIndex, term: lastTerm } = raft.log.last;
        raft.send({ type: 'request-vote', to, lastIndex, lastTerm, transfer: kind === 'transfer' });
      });
      raft.send({ type: 'request-vote-response', to: raft.id, rejected: false });
      return;
    default:
      unreachable(kind);
  }
}

function askVoters(raft: Raft, ask: (to: NodeId) => void): void {
  for (const id of members(raft.configuration)) if (id !== raft.id && isVoter(raft.configuration, id)) ask(id);
}

/** Counts a vote or pre-vote; the first answer of a voter stands. */
export function recordVote(raft: Raft, from: NodeId, granted: boolean): void {
  const { state } = raft;
  if (state.role !== 'candidate' && state.role !== 'pre-candidate') return;
  if (!state.votes.has(from)) state.votes.set(from, granted);
  const outcome = voteOutcome(raft.configuration, state.votes);
  switch (outcome) {
    case 'won':
      if (state.role === 'pre-candidate') campaign(raft, 'vote');
      else becomeLeader(raft);
      return;
    case 'lost':
      raft.becomeFollower(raft.term, null);
      return;
    case 'pending':
      return;
    default:
      unreachable(outcome);
  }
}
