/**
 * The arithmetic of majorities, for plain and joint configurations (Raft dissertation, section 4.3). Pure functions;
 * learners are not seen here, so they can never count.
 */
import type { Configuration } from './configuration.js';
import type { NodeId } from './entry.js';

/**
 * The largest number that a quorum of the voters has reached, both halves of a joint configuration included: the
 * index that is on a quorum, or the round that a quorum has acknowledged. Infinity for a configuration without
 * voters.
 */
export function reachedByQuorum(configuration: Configuration, reached: (voter: NodeId) => number): number {
  return Math.min(majorityReached(configuration.voters, reached), majorityReached(configuration.outgoing, reached));
}

function majorityReached(voters: readonly NodeId[], reached: (voter: NodeId) => number): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const sorted = voters.map(reached).sort((a, b) => b - a);
  return sorted[Math.floor(voters.length / 2)] as number;
}

export type VoteOutcome = 'won' | 'lost' | 'pending';

/** What the votes cast so far mean: true granted, false refused, absent not heard of. */
export function voteOutcome(configuration: Configuration, votes: ReadonlyMap<NodeId, boolean>): VoteOutcome {
  const incoming = majorityOutcome(configuration.voters, votes);
  const outgoing = majorityOutcome(configuration.outgoing, votes);
  if (incoming === 'lost' || outgoing === 'lost') return 'lost';
  return incoming === 'won' && outgoing === 'won' ? 'won' : 'pending';
}

function majorityOutcome(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteOutcome {
  const majority = Math.floor(voters.length / 2) + 1;
  if (voters.length === 0) return 'won';
  const granted = voters.filter((voter) => votes.get(voter) === true).length;
  const refused = voters.filter((voter) => votes.get(voter) === false).length;
  if (granted >= majority) return 'won';
  return voters.length - refused < majority ? 'lost' : 'pending';
}
