/**
 * What the log holds, and what must survive a crash beside it. Plain data: these types must never gain behaviour or
 * references to the node that made them, for they go to disk and over the wire as they are.
 */

/** The name of a node, unique in its cluster and never reused with another disk. */
export type NodeId = string;

/**
 * Names a proposal, so that the node that proposed it knows its own entry when it comes to apply it, whoever leads by
 * then. `origin` is the random boot id of the proposing process, `sequence` its counter: never reused, not even after
 * a restart.
 */
export interface ProposalId {
  readonly origin: number;
  readonly sequence: number;
}

/** An entry of the log. Index and term are guarded at 2^53 - 1 wherever they come in from wire or disk. */
export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly kind: 'command' | 'no-op' | 'configuration';
  /** The leader's wall clock when it appended the entry, ms since 1970; never below that of the entry before. */
  readonly timestampMs: number;
  /** Null for entries that no client proposed (the no-op of a term). */
  readonly proposal: ProposalId | null;
  readonly data: Uint8Array;
}

/** What a node must not forget (Raft, Figure 2), and the commit index, which it may. */
export interface HardState {
  readonly term: number;
  /** Whom it voted for in `term`. Never cleared within a term (R11). */
  readonly vote: NodeId | null;
  readonly commit: number;
}

/** Names a position in the log: an entry is the same wherever both agree (Log Matching, Raft section 5.3). */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/** Where a log begins: behind an entry whose effect is in a snapshot. */
export interface LogStart extends LogPosition {
  /** Timestamps never go back behind it. */
  readonly timestampMs: number;
}

export const FROM_THE_BEGINNING: LogStart = { index: 0, term: 0, timestampMs: 0 };

/** The bytes that an entry counts for in every limit: its data and a fixed share for the rest. */
export function entryBytes(entry: Pick<Entry, 'data'>): number {
  return entry.data.byteLength + 64;
}
