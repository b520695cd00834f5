/**
 * Failures that have to do with who leads. All of them pass: the same call may succeed a moment later or at `leader`.
 * None of them may claim an outcome for a write that it cannot know; the thrower states it.
 */
import { QuorateError, type QuorateErrorOptions } from './quorate-error.js';

/**
 * No leader was known for as long as the call could wait. Nothing was appended: a write that fails so is
 * `not-applied`.
 */
export class NoLeader extends QuorateError {
  readonly code = 'NoLeader';
  readonly retryable = true;

  constructor(options: QuorateErrorOptions = {}) {
    super('there is no leader: a majority of the voters has to be up and reach each other', options);
  }
}

/** The node asked is not the leader, and a request goes one hop at most. `leader` says where to go. */
export class NotLeader extends QuorateError {
  readonly code = 'NotLeader';
  readonly retryable = true;

  constructor(options: QuorateErrorOptions = {}) {
    super('this node is not the leader', options);
  }
}

/** The leader that had taken the request lost its leadership before the request was settled. */
export class LeadershipLost extends QuorateError {
  readonly code = 'LeadershipLost';
  readonly retryable = true;

  constructor(options: QuorateErrorOptions = {}) {
    super('leadership was lost before the request was settled', options);
  }
}

/** The leader is handing over and takes no writes until that has succeeded or failed (an election timeout at most). */
export class TransferInProgress extends QuorateError {
  readonly code = 'TransferInProgress';
  readonly retryable = true;

  constructor(options: QuorateErrorOptions = {}) {
    super('the leader is handing over its leadership', options);
  }
}

/** A write fenced with `ifTerm` met another term. It was dropped: certainly not applied. */
export class TermChanged extends QuorateError {
  readonly code = 'TermChanged';
  readonly retryable = false;
  /** The term that the caller asked for. */
  readonly expected: number;
  /** The term at the node that dropped it. */
  readonly actual: number;

  constructor(fields: { expected: number; actual: number }, options: QuorateErrorOptions = {}) {
    super(`the write was fenced to term ${fields.expected}, the term is ${fields.actual}`, {
      ...options,
      outcome: 'not-applied',
    });
    this.expected = fields.expected;
    this.actual = fields.actual;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { expected: this.expected, actual: this.actual };
  }
}

/** The node is not, or no longer, a member of the cluster. */
export class NotMember extends QuorateError {
  readonly code = 'NotMember';
  readonly retryable = false;

  constructor(message: string, options: QuorateErrorOptions = {}) {
    super(message, options);
  }
}
