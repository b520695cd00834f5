/**
 * What the core wants done. The caller's duties: (1) send `messages` at once; (2) hand `persist` to the log, in
 * order, and call `persisted(number)` when it is durable: only then are the messages that depended on it sent; (3)
 * apply `committed` in order and call `applied(index)`; (4) settle `reads` and `rejected`. It must never wait for the
 * disk before doing (1): heartbeats are answered before any fsync (R3).
 */
import type { Entry, HardState, LogPosition, LogStart, NodeId, ProposalId } from './entry.js';
import type { ProposalRejection, RaftMessage, ReadRejection } from './message.js';
import type { ProgressState } from './progress.js';

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

export interface Ready {
  /** These depend on nothing that is not durable yet. */
  readonly messages: readonly RaftMessage[];
  readonly persist: Persist | null;
  /** Committed and durable on this node (R12), each once, in order. */
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadResult[];
  readonly rejected: readonly RejectedProposals[];
  /** For figures only: how many reads each round serves that was opened, in order. A follower's request is one. */
  readonly openedRounds: readonly number[];
  /** Snapshots that a leader offers, and that this node needs. The same one comes again until it has it. */
  readonly offers: readonly SnapshotOffer[];
}

/** A snapshot that `from` has, up to this position. */
export interface SnapshotOffer extends LogPosition {
  readonly from: NodeId;
}

/**
 * One step for the log. Steps are durable in the order of their numbers; entries supersede what the log had from their
 * index on. A restart becomes visible to readers only when its step is durable: the caller swaps the state in then, and
 * reports it with `applied(index)`.
 */
export interface Persist {
  /** Counts from 1 without gaps. */
  readonly number: number;
  /** The state as it is after this step. */
  readonly hardState: HardState;
  /** False when the step adds nothing that must be written: it is durable as soon as the steps before it are. */
  readonly mustSync: boolean;
  /** Not null: the log begins anew behind this position; whatever it had goes, before `entries` are added. */
  readonly restart: LogStart | null;
  readonly entries: readonly Entry[];
  /**
   * Messages that may only leave once this step is durable. Those to the node itself are kept and handled by the
   * core.
   */
  readonly messages: readonly RaftMessage[];
}

/** How a read started with `readIndex(read)` ended; every one ends so, exactly once. */
export type ReadResult =
  | { readonly read: number; readonly ok: true; readonly index: number; readonly term: number }
  | { readonly read: number; readonly ok: false; readonly reason: ReadRejection | 'no-leader' };

/** Proposals that were certainly not appended. */
export interface RejectedProposals {
  readonly ids: readonly ProposalId[];
  readonly reason: ProposalRejection;
  /** The term of the node that rejected them. */
  readonly term: number;
}

/** A look at the node, for people and for routing. Never a basis for a consistent read. */
export interface CoreStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: number;
  readonly leader: NodeId | null;
  readonly commit: number;
  /** The index that the log begins behind; 0 when nothing was cut off. */
  readonly start: number;
  /** The index of the newest durable snapshot; 0 without one. */
  readonly snapshot: number;
  /** The last index handed out in `committed` and reported back with `applied()`. */
  readonly applied: number;
  readonly lastIndex: number;
  /** For how many ticks the disk has taken nothing, once that is an election timeout; 0 while it makes progress. */
  readonly diskStalledTicks: number;
  /** On a leader: the read rounds opened in this term; 0 elsewhere. */
  readonly rounds: number;
  /** On a leader: its view of each follower; empty elsewhere. */
  readonly followers: readonly FollowerStatus[];
}

export interface FollowerStatus {
  readonly id: NodeId;
  readonly state: ProgressState;
  readonly matchIndex: number;
  readonly nextIndex: number;
  readonly recentlyActive: boolean;
}
