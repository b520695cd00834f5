/**
 * What a caller of the client may choose, with units and defaults, validated once. Nothing here is sent as it is: what
 * the server takes is checked there again.
 */
import { checkInteger, InvalidArgument } from '../errors/index.js';
import type { ReadOptions as StateReadOptions } from '../reads/index.js';

/** The levels of the read path; see the table in the README. */
export type ReadLevel = NonNullable<StateReadOptions['level']>;

export interface ClientOptions {
  /** Addresses of the servers, for instance `http://127.0.0.1:4001`; at least one. */
  readonly endpoints: readonly string[];
  /** The deadline of a call with all its retries, in milliseconds: 1 to 60,000. Default 5,000. */
  readonly timeoutMs?: number;
  /** Connections to one server at most. Default 128. */
  readonly maxConnections?: number;
  /** Calls under way at most; the next one fails with `Overloaded`. Default 4,096. */
  readonly maxInFlight?: number;
  /** A token to start from, for instance out of a cookie, as if the client had seen it. Default none. */
  readonly token?: string;
}

export interface RequestOptions {
  /** The deadline of this call with all its retries, in milliseconds. Default: the client's. */
  readonly timeoutMs?: number;
  /** Ends the call with `Canceled`. A write that was sent already has an unknown outcome then. */
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends RequestOptions {
  /** Default `linearizable`. */
  readonly level?: ReadLevel;
  /**
   * The view must contain what this token's view contained. For `session` reads default: the newest token the client
   * saw.
   */
  readonly token?: string;
  /** The view must be at this index or later. */
  readonly minIndex?: number;
}

export interface WriteOptions extends RequestOptions {
  /** Write only when the key has this version; 0: only when it does not exist. */
  readonly ifVersion?: number;
  /** Write only when the entry is applied in this term. */
  readonly ifTerm?: number;
  /**
   * Names this very write, for instance to send it again after a crash: 1 to 255 visible ASCII characters. The servers
   * apply it once. Default: a random one for each call, which makes the client's own retries safe.
   */
  readonly idempotencyKey?: string;
  /**
   * With a key of your own: the token that you held before its first attempt. When the servers may have forgotten the
   * key since, they refuse it with `IdempotencyExpired`. Default: the client's token, which covers this call only.
   */
  readonly token?: string;
}

/** All or nothing, in one step: nothing is seen or written between two parts of it. */
export interface Transaction {
  /** Versions that keys must have before the first operation; 0: the key must not exist. At most 128. Default none. */
  readonly conditions?: readonly { readonly key: string; readonly version: number }[];
  /** Applied in this order: 1 to 128. */
  readonly operations: readonly Operation[];
}

/** A text is written as UTF-8. */
export type Operation =
  | { readonly put: { readonly key: string; readonly value: Uint8Array | string } }
  | { readonly delete: { readonly key: string } };

export interface RangeQuery {
  /** Keys that begin with this. Default: all. */
  readonly prefix?: string;
  /** Keys from this one on, in the order of their UTF-8 bytes. Default: from the first. */
  readonly start?: string;
  /** Entries in one page: 1 to 10,000. Default 1,000. A page may hold fewer and say that there is more. */
  readonly limit?: number;
}

export interface WatchOptions {
  /** Changes of keys that begin with this. Default: of all. */
  readonly prefix?: string;
  /** The index of the first change wanted, from 1. Default: what comes from now on. */
  readonly from?: number;
  /**
   * The token of the answer, or of the event, that `from` comes from: the watch ends with TokenMismatch when the
   * cluster was restored since. Default: none, and after a restore `from` may stand for something else.
   */
  readonly token?: string;
  /** Ends the watch with `Canceled`. */
  readonly signal?: AbortSignal;
  /**
   * How long it may be without a server that serves it, in milliseconds: 1 to 60,000; then it ends with the last
   * failure. Default 60,000.
   */
  readonly timeoutMs?: number;
}

export interface SnapshotOptions extends Pick<RequestOptions, 'signal'> {
  /** How long to wait for it, in milliseconds: 1 to 3,600,000. Default 60,000. */
  readonly timeoutMs?: number;
}

/** The options with every default filled in. */
export interface CheckedOptions {
  readonly endpoints: readonly URL[];
  readonly timeoutMs: number;
  readonly maxConnections: number;
  readonly maxInFlight: number;
  readonly token: string | null;
}

export const MAX_TIMEOUT_MS = 60_000;
/** Of a snapshot, and its default: a large state is written slowly. */
const MAX_SNAPSHOT_TIMEOUT_MS = 3_600_000;
const SNAPSHOT_TIMEOUT_MS = 60_000;

/** Fills in the defaults. Throws InvalidArgument. */
export function checkOptions(options: ClientOptions): CheckedOptions {
  const endpoints = options.endpoints.map(checkEndpoint);
  if (endpoints.length === 0) {
    throw new InvalidArgument({ field: 'endpoints', expected: 'at least one URL', received: '' });
  }
  return {
    endpoints,
    timeoutMs: checkTimeout(options.timeoutMs ?? 5_000),
    maxConnections: checkInteger('maxConnections', options.maxConnections ?? 128, 1, 65_536),
    maxInFlight: checkInteger('maxInFlight', options.maxInFlight ?? 4_096, 1, 1_000_000),
    token: options.token ?? null,
  };
}

/** Throws InvalidArgument unless the deadline is one that the server takes, too. */
export function checkTimeout(timeoutMs: number): number {
  return checkInteger('timeoutMs', timeoutMs, 1, MAX_TIMEOUT_MS);
}

/** As `checkTimeout`, for a snapshot. */
export function checkSnapshotTimeout(timeoutMs = SNAPSHOT_TIMEOUT_MS): number {
  return checkInteger('timeoutMs', timeoutMs, 1, MAX_SNAPSHOT_TIMEOUT_MS);
}

/** Returns the key. Throws InvalidArgument unless it is one that a header can carry. */
export function checkIdempotencyKey(key: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new InvalidArgument({ field: 'idempotencyKey', expected: '1 to 255 visible ASCII characters', received: key });
}

/** Throws InvalidArgument unless `text` is the http or https address of a server, without a path. */
export function checkEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.search !== '') {
    throw new InvalidArgument({
      field: 'endpoints',
      expected: 'URLs like http://127.0.0.1:4001, without a path',
      received: text,
    });
  }
  return url;
}
