/**
 * Failures that only the HTTP interface has, shared by the server that answers with them and the client that throws
 * them. A ConnectionFailed must never claim `not-applied` once a byte of the write may have been sent.
 */
import { QuorateError, type QuorateErrorOptions } from '../errors/index.js';

/** `if_version` did not hold. The write is in the log as a drop: certainly not applied. */
export class ConditionFailed extends QuorateError {
  readonly code = 'ConditionFailed';
  readonly retryable = false;
  /** The version that the caller asked for; 0 is "must not exist". */
  readonly expected: number;
  /** The version found; 0 when the key did not exist. */
  readonly actual: number;
  /**
   * Where the condition was evaluated, as for a write that succeeds: the index and term of its entry, and its token.
   */
  readonly index: number;
  readonly term: number;
  readonly token: string;

  constructor(
    fields: { expected: number; actual: number; index: number; term: number; token: string },
    options: QuorateErrorOptions = {},
  ) {
    super(`the condition was version ${fields.expected}, the key has ${fields.actual} (0: it does not exist)`, {
      ...options,
      outcome: 'not-applied',
    });
    this.expected = fields.expected;
    this.actual = fields.actual;
    this.index = fields.index;
    this.term = fields.term;
    this.token = fields.token;
  }

  override get details(): Readonly<Record<string, unknown>> {
    const { expected, actual, index, term, token } = this;
    return { expected, actual, index, term, token };
  }
}

/** The request names something of the interface that this version does not have yet. Nothing was done. */
export class NotImplemented extends QuorateError {
  readonly code = 'NotImplemented';
  readonly retryable = false;
  /** What was asked for, for instance `level=lease`. */
  readonly feature: string;

  constructor(fields: { feature: string }, options: QuorateErrorOptions = {}) {
    super(`${fields.feature} is not there yet in this version`, { outcome: 'not-applied', ...options });
    this.feature = fields.feature;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { feature: this.feature };
  }
}

/** The body of a write is above the server's limit. Nothing was done. */
export class ValueTooLarge extends QuorateError {
  readonly code = 'ValueTooLarge';
  readonly retryable = false;
  /** The largest value allowed, in bytes. */
  readonly limit: number;

  constructor(fields: { limit: number }, options: QuorateErrorOptions = {}) {
    super(`the value must be at most ${fields.limit} bytes`, { ...options, outcome: 'not-applied' });
    this.limit = fields.limit;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { field: 'value', limit: this.limit };
  }
}

/** A watch asked for changes that are not kept any more. Read the keys, and watch from there. */
export class WatchExpired extends QuorateError {
  readonly code = 'WatchExpired';
  readonly retryable = false;
  /** The index of the first change that was wanted. */
  readonly from: number;
  /** The smallest `from` that this server could have served. */
  readonly oldest: number;

  constructor(fields: { from: number; oldest: number }, options: QuorateErrorOptions = {}) {
    super(`the changes from index ${fields.from} on are not all there any more, those from ${fields.oldest} on are`, {
      ...options,
    });
    this.from = fields.from;
    this.oldest = fields.oldest;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { from: this.from, oldest: this.oldest };
  }
}

/** No answer came: the connection could not be made, or was lost. A write is `unknown` unless it was never sent. */
export class ConnectionFailed extends QuorateError {
  readonly code = 'ConnectionFailed';
  readonly retryable = true;
  /** The server that was asked. */
  readonly endpoint: string;

  constructor(fields: { endpoint: string; reason: string }, options: QuorateErrorOptions = {}) {
    super(`no answer from ${fields.endpoint}: ${fields.reason}`, options);
    this.endpoint = fields.endpoint;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { endpoint: this.endpoint };
  }
}
