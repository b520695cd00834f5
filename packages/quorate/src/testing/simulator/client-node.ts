/**
 * A node as its clients see it: what can be asked of it, and the process that would have to answer. Clients must never
 * look at anything else of a node, for they could not know it.
 */
import type { RaftNode } from '../../engines/raft/raft-node.js';

/** The process of one start of a node. */
export interface ClientProcess {
  readonly state: 'running' | 'paused' | 'dead';
  /** Its own clock, in milliseconds. */
  monotonicMs(): number;
  /** For how many milliseconds of its own clock it could not run. */
  readonly heldMs: number;
}

export interface ClientNode<Command, Result, Tx> {
  readonly id: string;
  /** Null while the process is down, or is still opening. A new object for each start. */
  readonly raft: RaftNode<Command, Result, Tx> | null;
  readonly process: ClientProcess | null;
}
