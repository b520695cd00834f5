/**
 * What a read hands to its function, and what it answers. Every level answers the same, so that a caller may change the level
 * without changing anything else; a field that a level cannot know says so in its value and must never guess.
 */
import type { ReadIndex } from './leader.js';
import type { Level } from './levels.js';

/**
 * What the function is told of its view, beside the view itself. `index`, `term` and `source` are those of the bound; `term`
 * fences a write that depends on what was read: `propose(command, { ifTerm: view.term })`.
 */
export interface ReadView extends ReadIndex {
  /** The index of the very state that the function sees. */
  readonly appliedIndex: number;
  /** True when the view is at exactly `appliedIndex`; false when it is at least that new. */
  readonly exact: boolean;
  /** Aborted when the caller aborts. The deadline of the read ended when the function started. */
  readonly signal: AbortSignal;
}

export interface ReadResult<R> {
  /** What the function returned. */
  readonly value: R;
  /** The bound that the view was checked against: `linearizable` the confirmed one, `session` the floor, `local` 0. */
  readonly index: number;
  /** The term in which a leader confirmed the bound; 0 for levels that ask none. A write fenced with 0 is always dropped. */
  readonly term: number;
  /** The index of the view that the function saw; the view may be newer when it is not exact. */
  readonly appliedIndex: number;
  readonly level: Level;
  /** The name of the replica, and its role when the view was taken. */
  readonly servedBy: string;
  readonly role: string;
  /** A `session` read with it sees at least this view, on any replica. */
  readonly token: string;
  /** Milliseconds until the bound was known, and from then until the function started. */
  readonly waited: { readonly boundMs: number; readonly applyMs: number };
}
