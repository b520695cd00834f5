/**
 * Who takes part: the voters of the incoming and, while a joint change is under way, of the outgoing configuration,
 * and the learners. A value, replaced as a whole and never changed in place.
 */
import type { NodeId } from './entry.js';

export interface Configuration {
  /** The voters; both halves must agree while `outgoing` is not empty (Raft dissertation, section 4.3). */
  readonly voters: readonly NodeId[];
  readonly outgoing: readonly NodeId[];
  /** Members that get the log and never vote, confirm or commit (R2). */
  readonly learners: readonly NodeId[];
}

/** A configuration of voters alone, sorted by name. */
export function votersOnly(voters: readonly NodeId[]): Configuration {
  return { voters: [...voters].sort(), outgoing: [], learners: [] };
}

export function isVoter(configuration: Configuration, id: NodeId): boolean {
  return configuration.voters.includes(id) || configuration.outgoing.includes(id);
}

/** Every member once, sorted by name: the order in which messages go out, so that a run can be repeated. */
export function members(configuration: Configuration): readonly NodeId[] {
  return [...new Set([...configuration.voters, ...configuration.outgoing, ...configuration.learners])].sort();
}
