/**
 * Failures that any request can meet: its time is over, its caller went away, a limit is reached, the node has
 * stopped, or the request itself is wrong. For writes the thrower states the outcome.
 */
import { QuorateError, type QuorateErrorOptions } from './quorate-error.js';

/** The deadline passed. `stage` says what was being waited for. */
export class Timeout extends QuorateError {
  readonly code = 'Timeout';
  readonly retryable = true;
  /** What was being waited for: `bound`, `apply`, `commit`, `formation`, ... */
  readonly stage: string;
  /** How long the call was allowed to take, in milliseconds. */
  readonly timeoutMs: number;

  constructor(fields: { stage: string; timeoutMs: number }, options: QuorateErrorOptions = {}) {
    super(`the deadline of ${fields.timeoutMs} ms passed while waiting for ${fields.stage}`, options);
    this.stage = fields.stage;
    this.timeoutMs = fields.timeoutMs;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { stage: this.stage, timeoutMs: this.timeoutMs };
  }
}

/** The caller's `AbortSignal` fired. `cause` is its reason. */
export class Canceled extends QuorateError {
  readonly code = 'Canceled';
  readonly retryable = false;

  constructor(options: QuorateErrorOptions = {}) {
    super('the caller aborted the request', options);
  }
}

/** A queue is at its limit. Nothing was queued: a write that fails so is `not-applied`. */
export class Overloaded extends QuorateError {
  readonly code = 'Overloaded';
  readonly retryable = true;
  /** Which queue, for instance `waiting reads`. */
  readonly queue: string;
  readonly limit: number;

  constructor(fields: { queue: string; limit: number }, options: QuorateErrorOptions = {}) {
    super(`the limit of ${fields.limit} ${fields.queue} is reached`, options);
    this.queue = fields.queue;
    this.limit = fields.limit;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { queue: this.queue, limit: this.limit };
  }
}

/** The node has stopped, or is stopping. `cause` says why when it did not stop by itself (a failed disk, say). */
export class Stopped extends QuorateError {
  readonly code = 'Stopped';
  readonly retryable = true;

  constructor(options: QuorateErrorOptions = {}) {
    super('the node has stopped', options);
  }
}

/** An option or argument is out of its range. The message names it, the range and the value received. */
export class InvalidArgument extends QuorateError {
  readonly code = 'InvalidArgument';
  readonly retryable = false;
  /** The name of the option, parameter or field. */
  readonly field: string;
  /** What it may be, in words. */
  readonly expected: string;
  readonly #received: string;

  constructor(fields: { field: string; expected: string; received: unknown }, options: QuorateErrorOptions = {}) {
    super(`${fields.field} must be ${fields.expected}, received ${describe(fields.received)}`, {
      outcome: 'not-applied',
      ...options,
    });
    this.field = fields.field;
    this.expected = fields.expected;
    this.#received = describe(fields.received);
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { field: this.field, expected: this.expected, received: this.#received };
  }
}

/** As people write it: texts in quotes, everything else as it prints itself. */
function describe(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
