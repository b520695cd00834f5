/**
 * What a read answers. Every level answers the same, so that a caller may change the level
 * without changing anything else; a field that a level cannot know says so in its value and must never guess.
 */
import type { Level } from './levels.js';

export interface ReadResult<R> {
  /** What the function returned. */
  readonly value: R;
  /** The bound that the view was checked against: `linearizable` the confirmed one, `session` the floor, `local` 0. */
  readonly index: number;
  /**
   * The term in which a leader confirmed the bound; 0 for levels that ask none. A write fenced with 0 is always
   * dropped.
   */
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
