/**
 * The seam between a node and its durable log. What it acknowledges is durable, which is the promise itself (R12).
 * After one failure it must never write again: every later append rejects with the same error.
 */
import type { Entry, HardState, LogPosition, LogStart } from '../../core/index.js';

/** What a log held when it was opened. */
export interface RecoveredLog {
  readonly hardState: HardState;
  /** What the log begins behind; index 0 when nothing was cut off. */
  readonly start: LogStart;
  /** Behind `start`, without gaps. */
  readonly entries: readonly Entry[];
  /** Set when an unacknowledged end was cut: file name of the segment and byte offset. */
  readonly torn: { readonly segment: string; readonly offset: number } | null;
}

/** One step, as the core handed it out. Entries supersede what the log had from the index of the first one on. */
export interface LogAppend {
  /** The log begins anew behind this position, whose snapshot is durable. */
  readonly restart?: LogStart | null;
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
}

export interface LogStorage {
  /**
   * Resolves when the step is durable. Steps become durable in the order of the calls; those that wait share one write.
   */
  append(step: LogAppend): Promise<void>;
  /**
   * A snapshot up to `position` is durable, and nobody needs entries up to `cutIndex` any more: whole files of them go
   * once a later file names the snapshot.
   */
  snapshotted(position: LogPosition, cutIndex: number): void;
  /** Waits for what is under way, seals the log and closes it. */
  close(): Promise<void>;
  /**
   * Gives up: nothing further is written, and all that wait are rejected with `reason`. What is under way may still
   * land: `close` settles once the file system has answered to it, however late.
   */
  abandon(reason: Error): void;
}
