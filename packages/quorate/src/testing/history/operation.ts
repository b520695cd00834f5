/**
 * An operation of a history: a call together with what became of it. What `fail` means in a format is settled here, so
 * that the checker knows formats as little as clients. Operations that certainly did not happen are not among them.
 */

/** Register values are canonical texts (equal values, equal texts); those of `put` and `append` are the text itself. */
export type Action =
  | { readonly f: 'read' }
  | { readonly f: 'write'; readonly value: string }
  | { readonly f: 'cas'; readonly old: string; readonly new: string }
  | { readonly f: 'put'; readonly value: string }
  | { readonly f: 'append'; readonly value: string }
  | { readonly f: 'get' };

/** The text of a register that was never written. */
export const NEVER_WRITTEN = 'null';

export interface Operation {
  readonly process: string;
  readonly key: string;
  readonly action: Action;
  /**
   * `mismatch`: the comparison of a `cas` failed, so the register held something else. `unknown`: it may take effect at
   * any moment after its call, or never.
   */
  readonly outcome: 'ok' | 'mismatch' | 'unknown';
  /** What a `read` or `get` returned, null for everything else and when unknown. */
  readonly result: string | null;
  /** Number of the event of the call: operations are concurrent unless one is answered before the other is called. */
  readonly call: number;
  /** Number of the event of the answer. Infinity when unknown: nothing comes after it. */
  readonly answer: number;
  /** Where the call stands, for people: `line 12`. */
  readonly calledAt: string;
  /** Where the answer stands, null when there was none. */
  readonly answeredAt: string | null;
}
