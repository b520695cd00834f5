/**
 * The options of a StateReader with their defaults, checked once when it is made. They are the defaults of a
 * deployment; what one read wants differently it says in its own options.
 */
import { checkInteger } from '../errors/index.js';
import { checkTimeout } from './read-options.js';

export interface StateReaderOptions {
  /** The deadline of a read that names none, in milliseconds: above 0, at most 2^31 − 1. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  /** The `maxLag` of a read that names none, in entries: 0 to 2^53 − 1. Default 10,240. */
  readonly maxLag?: number | undefined;
  /**
   * How many reads may wait at once, in whatever stage; beyond it they fail with Overloaded. At least 1. Default
   * 4,096.
   */
  readonly maxWaiting?: number | undefined;
  /** How many requests to the leader may be under way at once: at least 1. Default 1; Raft takes 4. */
  readonly maxInFlight?: number | undefined;
  /** The deadline of one shared request to the leader, in milliseconds: one election timeout. Default 1,000. */
  readonly requestTimeoutMs?: number | undefined;
}

export interface ResolvedStateReaderOptions {
  readonly timeoutMs: number;
  readonly maxLag: number;
  readonly maxWaiting: number;
  readonly maxInFlight: number;
  readonly requestTimeoutMs: number;
}

/** Throws InvalidArgument that names the option. */
export function resolveStateReaderOptions(options: StateReaderOptions): ResolvedStateReaderOptions {
  return {
    timeoutMs: checkTimeout('timeoutMs', options.timeoutMs ?? 5_000),
    maxLag: checkInteger('maxLag', options.maxLag ?? 10_240, 0),
    maxWaiting: checkInteger('maxWaiting', options.maxWaiting ?? 4_096, 1),
    maxInFlight: checkInteger('maxInFlight', options.maxInFlight ?? 1, 1),
    requestTimeoutMs: checkTimeout('requestTimeoutMs', options.requestTimeoutMs ?? 1_000),
  };
}
