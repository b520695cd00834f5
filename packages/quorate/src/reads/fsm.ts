/**
 * The seam to what is read: a replica's state. An implementation checks the index on the very view it hands out, in
 * one step with taking it (R7), and wakes its waiters for every kind of entry and on a restore (R6).
 */
import type { ReadIndex } from './leader.js';

/** What is known of the view that the function saw: the view is at exactly `appliedIndex`, or at least that new. */
export type View =
  | { readonly appliedIndex: number; readonly exact: true }
  | {
      readonly appliedIndex: number;
      readonly exact: false;
      /** An upper limit of what the view can contain, for the token. Asked for when the function has ended. */
      readonly upperIndex: number;
    };

/** @typeParam Tx whatever view the state machine offers: a Map, an LMDB transaction, a SQL client. */
export interface Fsm<Tx> {
  /** The cluster id of this state's history; empty until it is known, when there is nothing to read either. */
  readonly source: string;
  /** The name of this replica, and what it is at the moment. For results only. */
  readonly replica: { readonly id: string; readonly role: string };
  /**
   * Settles when the state that readers see has reached the bound. Rejects with LagBehind, SnapshotInstalling,
   * TokenMismatch, Overloaded, Stopped, or the reason of `signal`; leaves nothing behind in any case. `signal` is
   * made when it is first taken from the options (a getter, which a copy by spreading would lose): an implementation
   * takes it only when it has to wait.
   */
  waitApplied(bound: ReadIndex, options: { readonly signal: AbortSignal; readonly maxLag: number }): Promise<void>;
  /**
   * Takes a view, checks on that view that it has reached the bound, runs `fn` on it, once. Aborted if it has not:
   * `fn` has not run then. Rejects with what `fn` throws, as it is. `signal` as above; while `fn` runs it tells of
   * the caller's abort only.
   */
  read<R>(
    bound: ReadIndex,
    fn: (tx: Tx, view: View) => R | Promise<R>,
    options: { readonly signal: AbortSignal },
  ): Promise<R>;
}
