/**
 * The seam to where a bound comes from: the local leader, a remote one, etcd, a PostgreSQL primary. An implementation
 * must confirm leadership by an exchange that began after `readIndex` was called; sharing calls is the coalescer's
 * work, not its own.
 */
import type { LeaderHint } from '../errors/index.js';

/** A bound: the index a read has to see. */
export interface ReadIndex {
  readonly index: number;
  /** The term in which it was established: the fence for writes (`propose(command, { ifTerm })`). */
  readonly term: number;
  /** The cluster id: bounds and tokens of another source mean nothing here. */
  readonly source: string;
}

export interface Leader {
  /**
   * Rejects with a typed error. `retryable` ones are asked again within the deadlines of those who wait, after a
   * growing pause (apart from Overloaded and Stopped, which end the reads). While no leader is known, an
   * implementation that can tell when one appears waits for it, until `signal` ends the request.
   */
  readIndex(options: { readonly signal: AbortSignal }): Promise<ReadIndex>;
  /**
   * Who leads, as far as it is known here and now: null when nobody does. For errors only, never for a bound. Never
   * throws.
   */
  hint(): LeaderHint | null;
}
