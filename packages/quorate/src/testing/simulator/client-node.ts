/**
 * A node as its clients see it: what can be asked of it, and the process that would have to answer. Clients must never
 * look at anything else of a node, for they could not know it.
 */
import type { RaftNode } from '../../engines/raft/raft-node.js';
import type { Clock, StateMachine } from '../../node/index.js';
import type { StateReader } from '../../reads/index.js';

/** The process of one start of a node. */
export interface ClientProcess {
  readonly state: 'running' | 'paused' | 'dead';
  /** Its own clock, in milliseconds. */
  monotonicMs(): number;
  /** For how many milliseconds of its own clock it could not run. */
  readonly heldMs: number;
  /** What comes in through a socket: handled at once, as soon as it can run, or never when it dies. */
  input(socket: string, callback: () => void): void;
}

/** What clients read with: the node's own reader, or one that is to be tried in its place. */
export type ClientReader<Tx> = Pick<StateReader<Tx>, 'consistentRead' | 'waitLeaderCommitIndexApplied'>;

/** What a reader may be made of: the node in its present process, and what stands around it there. */
export interface ReaderParts<Command, Result, Tx> {
  readonly raft: RaftNode<Command, Result, Tx>;
  readonly machine: StateMachine<Command, Result, Tx>;
  /** That of the process; its timers end with it. */
  readonly clock: Clock;
}

/** Called once for each start of a node. */
export type CreateReader<Command, Result, Tx> = (parts: ReaderParts<Command, Result, Tx>) => ClientReader<Tx>;

export interface ClientNode<Command, Result, Tx> {
  readonly id: string;
  /** Null while the process is down, or is still opening. A new object for each start. */
  readonly raft: RaftNode<Command, Result, Tx> | null;
  /** Null while `raft` is. */
  readonly reader: ClientReader<Tx> | null;
  readonly process: ClientProcess | null;
}
