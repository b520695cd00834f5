/**
 * What a caller may say about a read, checked once when the read begins. Nothing behind this file may look at the
 * caller's own object again, and no value that is out of range may be bent into it.
 */
import { checkInteger, InvalidArgument } from '../errors/index.js';
import type { ReadIndex } from './leader.js';
import { type AvailableLevel, availableLevel, type Level } from './levels.js';
import { decodeToken, type Token } from './tokens.js';

/** How long to wait for a bound and for this replica to reach it. */
export interface WaitOptions {
  /**
   * Milliseconds until the function has to have started: above 0, at most 2^31 − 1. Default: the reader's
   * `timeoutMs`.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How many entries this replica may be behind the bound and still wait (R8): 0 to 2^53 − 1. Default: the reader's.
   */
  readonly maxLag?: number | undefined;
  /** Aborts the read; a function that runs already gets it as `view.signal`. */
  readonly signal?: AbortSignal | undefined;
}

export interface ReadOptions extends WaitOptions {
  /** Default `linearizable`. */
  readonly level?: Level | undefined;
  /**
   * The view has to contain what the view (or write) contained that this token came from. A `session` read needs one.
   */
  readonly token?: string | undefined;
  /** The view has to be at this index or later, 0 to 2^53 − 1: a token for people at a shell. */
  readonly minIndex?: number | undefined;
  /**
   * A bound that {@link StateReader.waitLeaderCommitIndexApplied} gave; the leader is not asked again. The read
   * contains what was acknowledged before *that* call was made. For `linearizable` only.
   */
  readonly bound?: ReadIndex | undefined;
}

/** A read as it was asked for, checked. */
export interface ReadRequest {
  readonly level: AvailableLevel;
  /** The larger of `minIndex` and the index of the token; 0 without both. */
  readonly floor: number;
  readonly token: Token | null;
  readonly bound: ReadIndex | null;
  readonly timeoutMs: number;
  readonly maxLag: number;
  readonly signal: AbortSignal | undefined;
}

/** The longest delay that timers take. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Throws InvalidArgument that names the option, or TokenMismatch for a text that is not a token. */
export function checkReadOptions(
  options: ReadOptions,
  defaults: { readonly timeoutMs: number; readonly maxLag: number },
): ReadRequest {
  const { minIndex, bound = null, signal } = options;
  const level = availableLevel(options.level ?? 'linearizable');
  const timeoutMs = checkTimeout('timeoutMs', options.timeoutMs ?? defaults.timeoutMs);
  const maxLag = checkInteger('maxLag', options.maxLag ?? defaults.maxLag, 0);
  if (bound !== null) checkBound(bound, level);
  const token = options.token === undefined ? null : decodeToken(options.token);
  if (minIndex !== undefined) checkInteger('minIndex', minIndex, 0);
  if (level === 'session' && token === null && minIndex === undefined) {
    throw new InvalidArgument({
      field: 'token',
      expected: 'given for a session read, or minIndex in its place',
      received: undefined,
    });
  }
  if (level === 'local' && (token !== null || minIndex !== undefined)) {
    throw new InvalidArgument({
      field: token === null ? 'minIndex' : 'token',
      expected: 'left out of a local read, which has no floor (use session)',
      received: token === null ? minIndex : options.token,
    });
  }
  return { level, floor: Math.max(minIndex ?? 0, token?.index ?? 0), token, bound, timeoutMs, maxLag, signal };
}

function checkBound(bound: ReadIndex, level: AvailableLevel): void {
  if (level !== 'linearizable') {
    throw new InvalidArgument({ field: 'bound', expected: 'left out for any level but linearizable', received: level });
  }
  checkInteger('bound.index', bound.index, 0);
  checkInteger('bound.term', bound.term, 0);
}

/** Throws InvalidArgument unless `value` is a number of milliseconds that a timer can take. */
export function checkTimeout(field: string, value: number): number {
  if (typeof value === 'number' && value > 0 && value <= MAX_TIMEOUT_MS) return value;
  throw new InvalidArgument({ field, expected: `above 0 and at most ${MAX_TIMEOUT_MS} ms`, received: value });
}
