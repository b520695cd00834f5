/**
 * The base of every expected failure: a stable code, whether a retry can help, where the leader is, and for writes
 * whether the thing was done. It must never carry anything that does not survive JSON, for errors cross the wire with
 * all their fields.
 */

/**
 * Where the leader is, as far as the one who failed knew. `url` is its HTTP address, null when it did not advertise
 * one.
 */
export interface LeaderHint {
  readonly id: string;
  readonly url: string | null;
}

/**
 * What became of a write: certainly nothing (`not-applied`), or nobody can tell yet (`unknown`). Reads have no
 * outcome.
 */
export type Outcome = 'not-applied' | 'unknown';

export interface QuorateErrorOptions {
  readonly leader?: LeaderHint | null | undefined;
  readonly outcome?: Outcome | null | undefined;
  readonly cause?: unknown;
}

/** The base class of all errors a caller should expect. Match on `code`, which never changes, not on the message. */
export abstract class QuorateError extends Error {
  /** Stable name of the failure; the same as the name of the class. */
  abstract readonly code: string;
  /**
   * True when the same call may succeed later or on another replica. Whether a *write* may be repeated is `outcome`'s
   * matter.
   */
  abstract readonly retryable: boolean;
  /** The leader known to the node that failed, null when it knew none. */
  readonly leader: LeaderHint | null;
  /** Set on failures of writes only. */
  readonly outcome: Outcome | null;

  constructor(message: string, options: QuorateErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.leader = options.leader ?? null;
    this.outcome = options.outcome ?? null;
  }

  /** The fields that only this class has, as they go over the wire. */
  get details(): Readonly<Record<string, unknown>> {
    return {};
  }
}
