/**
 * What a watch tells: every change once, in the order of the log. All that one entry changed is one event, so that
 * whoever goes on behind an index has seen either the whole entry or nothing of it; it must never be split.
 */

/** What became of one key. */
export type Change =
  | { readonly kind: 'put'; readonly key: string; readonly value: Uint8Array; readonly version: number }
  | { readonly kind: 'delete'; readonly key: string };

/** The changes of one entry under the watched prefix, in the order in which they were made; at least one. */
export interface ChangedEntry {
  readonly kind: 'change';
  readonly index: number;
  readonly term: number;
  readonly changes: readonly Change[];
}

/** Everything up to this index has been told: a watch that is resumed behind it misses nothing. */
export interface WatchProgress {
  readonly kind: 'progress';
  readonly index: number;
}

export type WatchEvent = (ChangedEntry | WatchProgress) & {
  /** Says of which history the index is; a `session` read that is given it sees what was told. */
  readonly token: string;
};
