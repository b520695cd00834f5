/**
 * Failures of a data directory: its identity, its lock, its log, its disk. They end the start of a node, or its life.
 * Every message is one sentence that says what is wrong and what to do; none of them may be retried on the same open
 * file.
 */
import { QuorateError, type QuorateErrorOptions } from './quorate-error.js';

/**
 * The directory belongs to another node or cluster, or a listed node is known with another disk (architecture:
 * Identity).
 */
export class IdentityMismatch extends QuorateError {
  readonly code = 'IdentityMismatch';
  readonly retryable = false;
}

/** Another process has the directory open; two processes on one directory would vote twice. */
export class DirectoryLocked extends QuorateError {
  readonly code = 'DirectoryLocked';
  readonly retryable = false;
}

/**
 * A record that was acknowledged cannot be read back. The node refuses to start: cutting the log here would lose it.
 */
export class LogDamaged extends QuorateError {
  readonly code = 'LogDamaged';
  readonly retryable = false;
  /** File name of the segment. */
  readonly segment: string;
  /** Byte offset of the bad record in the segment. */
  readonly offset: number;
  /** The index of the first entry that cannot be read, as far as it is known. */
  readonly index: number;

  constructor(fields: { segment: string; offset: number; index: number }, options: QuorateErrorOptions = {}) {
    super(
      `the log is damaged in segment ${fields.segment} at byte ${fields.offset}, from entry ${fields.index} on, ` +
        'which was acknowledged: put back an undamaged copy of that very segment, or leave this node stopped',
      options,
    );
    this.segment = fields.segment;
    this.offset = fields.offset;
    this.index = fields.index;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { segment: this.segment, offset: this.offset, index: this.index };
  }
}

/** A snapshot is not what was written: a bit has changed, or its end is missing. */
export class SnapshotDamaged extends QuorateError {
  readonly code = 'SnapshotDamaged';
  readonly retryable = false;
  readonly path: string;
  /** Byte offset of the first part that cannot be read. */
  readonly offset: number;

  constructor({ path, offset }: { path: string; offset: number }, options: QuorateErrorOptions = {}) {
    super(
      `the snapshot ${path} is damaged at byte ${offset}: put back an undamaged copy, or take another one`,
      options,
    );
    this.path = path;
    this.offset = offset;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { path: this.path, offset: this.offset };
  }
}

/**
 * A write or fsync failed, or the directory cannot be used. Nothing is retried on that file; the node has to be
 * started anew.
 */
export class DiskFailed extends QuorateError {
  readonly code = 'DiskFailed';
  readonly retryable = false;
}
