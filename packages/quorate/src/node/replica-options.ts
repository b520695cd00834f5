/**
 * The numbers a replica runs with, validated once. Defaults are those of the design; a reader who wants to know a
 * limit finds it here.
 */
import type { RawNodeOptions } from '../core/index.js';
import { checkInteger } from '../errors/index.js';
import type { SnapshotOptions } from './snapshot/replica-snapshots.js';

/** What a user may set; everything has a default. */
export interface ReplicaTuning {
  /** Default 50. */
  readonly tickMs?: number | undefined;
  /** Ticks between heartbeats. Default 1. */
  readonly heartbeatTicks?: number | undefined;
  /** A follower campaigns after this many ticks without a leader, up to twice as many. Default 10. */
  readonly electionTicks?: number | undefined;
  /** Deadline of a write that names none, ms. Default 5,000. */
  readonly writeTimeoutMs?: number | undefined;
  /** Deadline of a read that names none, ms. Default 5,000. */
  readonly readTimeoutMs?: number | undefined;
  /** Reads fail with LagBehind when this replica is further behind the bound, entries. Default 10,240. */
  readonly maxLag?: number | undefined;
  /** Reads that wait, for a bound and for the state each. Default 4,096. */
  readonly maxWaitingReads?: number | undefined;
  /** Largest command, bytes. Default 2 MiB. */
  readonly maxCommandBytes?: number | undefined;
  /** Bytes of this node's writes under way. Default 64 MiB. */
  readonly maxPendingWriteBytes?: number | undefined;
  /**
   * A snapshot is taken when so many entries were applied since the last. After one the node rests three times as long
   * as it took. Default 8,192.
   */
  readonly snapshotEntries?: number | undefined;
  /** A snapshot is taken when so many bytes of entries were applied since the last. Default 64 MiB. */
  readonly snapshotLogBytes?: number | undefined;
  /** Entries kept in the log behind a snapshot, for followers that are a little behind. Default 4,096. */
  readonly keptEntries?: number | undefined;
  /** Snapshots kept. Default 3. */
  readonly keptSnapshots?: number | undefined;
  /** Bytes of the state written to a snapshot in a second, and bytes of snapshots sent. Default 64 MiB. */
  readonly snapshotBytesPerSecond?: number | undefined;
}

export interface ReplicaOptions {
  readonly tickMs: number;
  /** The shortest time without a leader after which a follower campaigns. */
  readonly electionTimeoutMs: number;
  /** The loop's delay above which a warning is logged. */
  readonly stallWarningMs: number;
  readonly writeTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly maxLag: number;
  readonly maxWaitingReads: number;
  readonly maxCommandBytes: number;
  readonly maxPendingWriteBytes: number;
  readonly snapshots: SnapshotOptions;
  readonly core: Pick<RawNodeOptions, 'electionTicks' | 'heartbeatTicks' | 'maxWaitingReads'>;
}

const MIB = 1024 * 1024;

export function resolveReplicaOptions(tuning: ReplicaTuning): ReplicaOptions {
  const tickMs = checkInteger('tickMs', tuning.tickMs ?? 50, 1, 60_000);
  const heartbeatTicks = checkInteger('heartbeatTicks', tuning.heartbeatTicks ?? 1, 1, 1_000);
  const electionTicks = checkInteger('electionTicks', tuning.electionTicks ?? 10, 2 * heartbeatTicks, 10_000);
  const maxWaitingReads = checkInteger('maxWaitingReads', tuning.maxWaitingReads ?? 4096, 1, 1_000_000);
  const electionTimeoutMs = tickMs * electionTicks;
  return Object.freeze({
    tickMs,
    electionTimeoutMs,
    stallWarningMs: electionTimeoutMs / 2,
    writeTimeoutMs: checkInteger('writeTimeoutMs', tuning.writeTimeoutMs ?? 5_000, 1, 3_600_000),
    readTimeoutMs: checkInteger('readTimeoutMs', tuning.readTimeoutMs ?? 5_000, 1, 3_600_000),
    maxLag: checkInteger('maxLag', tuning.maxLag ?? 10_240, 0, Number.MAX_SAFE_INTEGER),
    maxWaitingReads,
    maxCommandBytes: checkInteger('maxCommandBytes', tuning.maxCommandBytes ?? 2 * MIB, 1, 8 * MIB),
    maxPendingWriteBytes: checkInteger('maxPendingWriteBytes', tuning.maxPendingWriteBytes ?? 64 * MIB, 1, 1024 * MIB),
    snapshots: {
      snapshotEntries: checkInteger('snapshotEntries', tuning.snapshotEntries ?? 8192, 1),
      snapshotLogBytes: checkInteger('snapshotLogBytes', tuning.snapshotLogBytes ?? 64 * MIB, 1),
      keptEntries: checkInteger('keptEntries', tuning.keptEntries ?? 4096, 0),
      keptSnapshots: checkInteger('keptSnapshots', tuning.keptSnapshots ?? 3, 1, 1_000),
      snapshotBytesPerSecond: checkInteger('snapshotBytesPerSecond', tuning.snapshotBytesPerSecond ?? 64 * MIB, 1024),
    },
    core: { electionTicks, heartbeatTicks, maxWaitingReads },
  });
}
