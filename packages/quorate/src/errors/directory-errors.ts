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

/** Something on the disk, or in a snapshot, has a format that this release does not know. */
export class UnknownFormat extends QuorateError {
  readonly code = 'UnknownFormat';
  readonly retryable = false;
  /** The version found. */
  readonly version: number;
  /** The version that this release reads. */
  readonly known: number;

  constructor(fields: { what: string; version: number; known: number }, options: QuorateErrorOptions = {}) {
    super(
      `${fields.what} has format ${fields.version} and this release reads format ${fields.known}: start the release ` +
        'that wrote it, or a newer one',
      options,
    );
    this.version = fields.version;
    this.known = fields.known;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { version: this.version, known: this.known };
  }
}

/** The bytes of a state, from a snapshot, are not those that were written, or not all of them. Nothing was replaced. */
export class StateDamaged extends QuorateError {
  readonly code = 'StateDamaged';
  readonly retryable = false;

  /** `detail` completes "the bytes of the state are damaged". */
  constructor(detail: string, options: QuorateErrorOptions = {}) {
    super(`the bytes of the state are damaged (${detail}): take another copy of the snapshot`, options);
  }
}

/**
 * The disk has not answered for a while: nothing is acknowledged before it does. It is not known to have failed, so it
 * may pass. Thrown by `close` when its time is over: the directory stays locked then, for what is under way may still
 * be written.
 */
export class DiskStalled extends QuorateError {
  readonly code = 'DiskStalled';
  readonly retryable = true;
  /** For how long the disk has not answered, in milliseconds, as far as it is known. */
  readonly stalledMs: number;

  constructor(message: string, fields: { stalledMs: number }, options: QuorateErrorOptions = {}) {
    super(message, options);
    this.stalledMs = fields.stalledMs;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return { stalledMs: this.stalledMs };
  }
}
