/**
 * Failures of the read path. Each is thrown before the caller's function ran; what that function throws is never
 * wrapped. They must never be used for a read that was answered: a stale answer is not an error, it is a defect.
 */
import { QuorateError, type QuorateErrorOptions } from './quorate-error.js';

/**
 * A consistent read did not take place: thrown if and only if the function did not run. `cause` is what made it fail,
 * and `reason` its code; `retryable`, `leader` are those of the cause.
 */
export class ConsistentRead extends QuorateError {
  readonly code = 'ConsistentRead';
  readonly retryable: boolean;
  /** The code of the cause. */
  readonly reason: string;

  constructor(cause: unknown) {
    const known = cause instanceof QuorateError ? cause : null;
    super(`consistent read failed: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      leader: known?.leader,
    });
    this.retryable = known?.retryable ?? false;
    this.reason = known?.code ?? (cause instanceof Error ? cause.name : 'unknown');
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { reason: this.reason };
  }
}

/**
 * This replica is further behind the bound than the caller's `maxLag` allows. Another replica may serve the read at
 * once.
 */
export class LagBehind extends QuorateError {
  readonly code = 'LagBehind';
  readonly retryable = true;
  /** The index the read has to see. A retry, here or elsewhere, keeps it as its floor (`minIndex`). */
  readonly required: number;
  /** The index this replica had applied. */
  readonly applied: number;
  /** The largest distance allowed, in entries. */
  readonly limit: number;

  constructor(fields: { required: number; applied: number; limit: number }, options: QuorateErrorOptions = {}) {
    super(
      `the replica has applied index ${fields.applied} and needs ${fields.required}, more than ${fields.limit} behind`,
      options,
    );
    this.required = fields.required;
    this.applied = fields.applied;
    this.limit = fields.limit;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { required: this.required, applied: this.applied, limit: this.limit };
  }
}

/** The state was replaced by an older one between the wait and the view. The function has not run. */
export class Aborted extends QuorateError {
  readonly code = 'Aborted';
  readonly retryable = true;
  readonly required: number;
  readonly applied: number;

  constructor(fields: { required: number; applied: number }, options: QuorateErrorOptions = {}) {
    super(`the view is at index ${fields.applied}, below the bound ${fields.required}`, options);
    this.required = fields.required;
    this.applied = fields.applied;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { required: this.required, applied: this.applied };
  }
}

/** The replica is installing a snapshot and its old state does not cover the bound. */
export class SnapshotInstalling extends QuorateError {
  readonly code = 'SnapshotInstalling';
  readonly retryable = true;

  constructor(options: QuorateErrorOptions = {}) {
    super('the replica is installing a snapshot', options);
  }
}

/** The token is not one of this cluster's history: malformed, of another cluster, or from before a restore. */
export class TokenMismatch extends QuorateError {
  readonly code = 'TokenMismatch';
  readonly retryable = false;

  constructor(message: string, options: QuorateErrorOptions = {}) {
    super(message, options);
  }
}
