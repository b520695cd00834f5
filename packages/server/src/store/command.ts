/**
 * The commands of the key-value application and what comes of them. A command that could not be applied is a result,
 * too: it is in the log and gives the same answer on every replica, at every replay.
 */
import type { OperationResult } from 'quorate/client';

/** Holds when the key has this version; 0: when it does not exist. */
export interface Condition {
  readonly key: string;
  readonly version: number;
}

export type Operation =
  | { readonly put: { readonly key: string; readonly value: Uint8Array } }
  | { readonly delete: { readonly key: string } };

/** If all conditions hold, all operations are applied, in their order. A put or delete of one key is one, too. */
export interface Transaction {
  readonly conditions: readonly Condition[];
  readonly operations: readonly Operation[];
}

export interface KeyValueCommand extends Transaction {
  /** Null for a request without an idempotency key. */
  readonly request: RequestIdentity | null;
}

/** What the server that received a request wrote into its command, so that all replicas judge it alike. */
export interface RequestIdentity {
  /** 1 to 255 visible ASCII characters. */
  readonly key: string;
  /** SHA-256 over the request, base64url: another request with this key is refused. */
  readonly hash: string;
  /** The index of a view that the caller had seen before its first attempt; null when it did not say. */
  readonly heldIndex: number | null;
  /** How many requests are remembered. It stands in the log because replicas must evict the same ones. */
  readonly kept: number;
}

/** What a request came to when it was applied: the answer to it and to all its repetitions. */
export type RecordedResult =
  | {
      readonly kind: 'done';
      readonly index: number;
      readonly term: number;
      readonly results: readonly OperationResult[];
    }
  | {
      readonly kind: 'condition-failed';
      readonly index: number;
      readonly term: number;
      /** The position of the first condition that did not hold. */
      readonly condition: number;
      readonly expected: number;
      readonly actual: number;
    };

export type KeyValueResult =
  | RecordedResult
  /** Another request was recorded under this idempotency key. */
  | { readonly kind: 'key-reused' }
  /** The request is not recorded, but one as old as its first attempt may have been evicted. */
  | { readonly kind: 'expired'; readonly evictedThrough: number };
