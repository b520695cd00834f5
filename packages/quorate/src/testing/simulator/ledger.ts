/**
 * What the world knows and no node does: who led which term, what is committed, what clients have been told. Written
 * by the observers named at each field, read by all of them. Nodes must never see it.
 */
import type { Configuration, Entry, NodeId } from '../../core/index.js';
import type { LogImage } from './simulated-log.js';

export interface LeaderOfTerm {
  readonly id: NodeId;
  readonly bootId: number;
}

export class Ledger {
  readonly configuration: Configuration;
  /** The durable log of every node, also of those that are down. */
  readonly durableLogs: ReadonlyMap<NodeId, LogImage>;
  /** Who leads or led each term. Written by ElectionSafety. */
  readonly leaders = new Map<number, LeaderOfTerm>();
  /** The committed entries from index 1, in the moment the first node knew. Written by CommittedOnQuorum. */
  readonly committed: Entry[];
  /** Of each committed entry: the term of the leader that committed it. Written by CommittedOnQuorum. */
  readonly committedIn: number[] = [];
  /** Of each term with a committed entry: the index of the first. Written by CommittedOnQuorum. */
  readonly firstIndexOf = new Map<number, number>();
  /**
   * The newest index whose effect any client was told of, by an acknowledged write or a completed read. Written by
   * ReadFreshness, and by the clients as they are told.
   */
  floor = 0;

  constructor(configuration: Configuration, durableLogs: ReadonlyMap<NodeId, LogImage>, committed: Entry[] = []) {
    this.configuration = configuration;
    this.durableLogs = durableLogs;
    this.committed = committed;
  }

  /**
   * True when the nodes for which `has` holds are a quorum. Written the obvious way, apart from the core's
   * arithmetic.
   */
  isQuorum(has: (id: NodeId) => boolean): boolean {
    const isMajority = (voters: readonly NodeId[]) => 2 * voters.filter(has).length > voters.length;
    const { voters, outgoing } = this.configuration;
    return isMajority(voters) && (outgoing.length === 0 || isMajority(outgoing));
  }
}
