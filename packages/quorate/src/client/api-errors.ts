/**
 * Failures that only the HTTP interface has, shared by the server that answers with them and the client that throws
 * them. A ConnectionFailed must never claim `not-applied` once a byte of the write may have been sent.
 */
import { QuorateError, type QuorateErrorOptions } from '../errors/index.js';

/** A condition on a version did not hold. The write is in the log as a drop: certainly not applied. */
export class ConditionFailed extends QuorateError {
  readonly code = 'ConditionFailed';
  readonly retryable = false;
  /** Which of a transaction's conditions, from 0; null for a put or delete, which has only one. */
  readonly condition: number | null;
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
    fields: {
      condition?: number | null;
      expected: number;
      actual: number;
      index: number;
      term: number;
      token: string;
    },
    options: QuorateErrorOptions = {},
  ) {
    const { condition = null, expected, actual } = fields;
    const which = condition === null ? 'the condition' : `conditions[${condition}]`;
    super(`${which} was version ${expected}, the key has ${actual} (0: it does not exist)`, {
      ...options,
      outcome: 'not-applied',
    });
    this.condition = condition;
    this.expected = fields.expected;
    this.actual = fields.actual;
    this.index = fields.index;
    this.term = fields.term;
    this.token = fields.token;
  }

  override get details(): Readonly<Record<string, unknown>> {
    const { condition, expected, actual, index, term, token } = this;
    return { ...(condition === null ? {} : { condition }), expected, actual, index, term, token };
  }
}

/**
 * The record of this idempotency key may have been evicted: nobody can tell any more whether an earlier attempt was
 * applied. This one was not.
 */
export class IdempotencyExpired extends QuorateError {
  readonly code = 'IdempotencyExpired';
  readonly retryable = false;
  /** The records of all requests up to this index have been evicted; the token was of an earlier one. */
  readonly evictedThrough: number;
  /** Where the attempt was refused: index, term and token of its entry. */
  readonly index: number;
  readonly term: number;
  readonly token: string;

  constructor(
    fields: { evictedThrough: number; index: number; term: number; token: string },
    options: QuorateErrorOptions = {},
  ) {
    const cause = `the requests up to index ${fields.evictedThrough} are forgotten, and the token is older`;
    super(`whether an earlier attempt with this Idempotency-Key was applied cannot be told: ${cause}`, {
      ...options,
      outcome: 'unknown',
    });
    this.evictedThrough = fields.evictedThrough;
    this.index = fields.index;
    this.term = fields.term;
    this.token = fields.token;
  }

  override get details(): Readonly<Record<string, unknown>> {
    const { evictedThrough, index, term, token } = this;
    return { evictedThrough, index, term, token };
  }
}

/** Another request was made with this idempotency key. This one was not applied. */
export class IdempotencyKeyReused extends QuorateError {
  readonly code = 'IdempotencyKeyReused';
  readonly retryable = false;

  constructor(options: QuorateErrorOptions = {}) {
    super('the Idempotency-Key was used for another request: a key belongs to one request', {
      ...options,
      outcome: 'not-applied',
    });
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

/** What a write carries is above the server's limit. Nothing was done. */
export class ValueTooLarge extends QuorateError {
  readonly code = 'ValueTooLarge';
  readonly retryable = false;
  /** What is too large: `value`, or of a transaction `body`, or `operations` (all their values together). */
  readonly field: string;
  /** The largest size allowed, in bytes. */
  readonly limit: number;

  constructor(fields: { field?: string; limit: number }, options: QuorateErrorOptions = {}) {
    const { field = 'value', limit } = fields;
    const what = field === 'operations' ? 'all values of the operations together' : `the ${field}`;
    super(`${what} must be at most ${limit} bytes`, { ...options, outcome: 'not-applied' });
    this.field = field;
    this.limit = limit;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { field: this.field, limit: this.limit };
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
