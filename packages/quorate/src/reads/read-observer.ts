/**
 * Who wants to know how reads went, for figures: injected, as the clock is. An observer must never throw, and nothing
 * that it is told may change a read; while nobody wants to know, nothing is measured.
 */
import type { AvailableLevel } from './levels.js';

/** A read that has ended. Times are in milliseconds. */
export interface EndedRead {
  /** Null when the options of the read were refused. */
  readonly level: AvailableLevel | null;
  /** `served`; `function-failed`: the caller's own function threw; `failed`: it did not run. */
  readonly outcome: 'served' | 'function-failed' | 'failed';
  /** Of what made it fail: the code of a QuorateError, otherwise `unknown`. Null unless it failed. */
  readonly code: string | null;
  /** From the call to its end, the function included. */
  readonly durationMs: number;
  /** From the call until it had its bound; null when the leader was not asked, or gave none. */
  readonly boundMs: number | null;
  /** The last part of `boundMs`: from sending the request to the leader until its confirmed answer. */
  readonly confirmMs: number | null;
  /** From the bound until the function started on a view that has reached it; null when it did not start. */
  readonly applyMs: number | null;
}

/** A request for a bound that has ended. Reads share it. */
export interface EndedBoundRequest {
  /** How many reads waited for it. */
  readonly reads: number;
  /** From sending it to its answer, in milliseconds. */
  readonly durationMs: number;
  /** As in {@link EndedRead}: null when it was answered. */
  readonly code: string | null;
}

export interface ReadObserver {
  /** False while nobody wants to know. Asked at the start of each read and at the end of each request. */
  readonly wantsReads: boolean;
  readonly wantsBoundRequests: boolean;
  readEnded(read: EndedRead): void;
  boundRequestEnded(request: EndedBoundRequest): void;
}
