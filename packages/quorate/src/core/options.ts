/**
 * What the core can be told. Validated once, here; the rest of the room takes the values as right. Nothing here may
 * depend on the machine: time is counted in ticks.
 */
import { checkInteger } from '../errors/index.js';
import type { Configuration } from './configuration.js';
import type { Entry, HardState, LogPosition, LogStart, NodeId } from './entry.js';

export interface RawNodeOptions {
  readonly id: NodeId;
  /** Random number of this process, 48 bits: requests of an earlier process of this node are told apart by it (R4). */
  readonly bootId: number;
  readonly configuration: Configuration;
  /** What was durable when the node was opened. */
  readonly hardState: HardState;
  /** The last entry that was cut off the log, and is in a snapshot. Default: the log is whole. */
  readonly start?: LogStart | undefined;
  /** The newest durable snapshot, at `start` or behind it. Default: `start`. */
  readonly snapshot?: LogPosition | undefined;
  /** Behind `start`, without gaps, all durable. */
  readonly entries: readonly Entry[];
  /** What the state machine holds already. */
  readonly applied: number;
  /** In [0, 1). Spreads the election timeouts. */
  readonly random: () => number;
  /** The election timeout is drawn from [electionTicks, 2 × electionTicks). Default 10, at least 2 × heartbeatTicks. */
  readonly electionTicks?: number | undefined;
  /** Ticks between heartbeats, and before an unanswered read request is sent again. Default 1. */
  readonly heartbeatTicks?: number | undefined;
  /** Bytes of entries in one append; a larger entry travels alone. Default 1 MiB. */
  readonly maxAppendBytes?: number | undefined;
  /** Appends under way to one follower. Default 256. */
  readonly maxInflightAppends?: number | undefined;
  /** Bytes under way to one follower. Default 16 MiB. */
  readonly maxInflightBytes?: number | undefined;
  /** Bytes of the entries that are not committed; above it proposals are refused as overloaded. Default 64 MiB. */
  readonly maxUncommittedBytes?: number | undefined;
  /** Reads that wait for a bound, on a leader and on a follower each. Default 4,096. */
  readonly maxWaitingReads?: number | undefined;
}

export interface ResolvedOptions {
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly maxAppendBytes: number;
  readonly maxInflightAppends: number;
  readonly maxInflightBytes: number;
  readonly maxUncommittedBytes: number;
  readonly maxWaitingReads: number;
}

const MIB = 1024 * 1024;

export function resolveOptions(options: RawNodeOptions): ResolvedOptions {
  const heartbeatTicks = checkInteger('heartbeatTicks', options.heartbeatTicks ?? 1, 1);
  return Object.freeze({
    heartbeatTicks,
    electionTicks: checkInteger('electionTicks', options.electionTicks ?? 10, 2 * heartbeatTicks),
    maxAppendBytes: checkInteger('maxAppendBytes', options.maxAppendBytes ?? MIB, 1),
    maxInflightAppends: checkInteger('maxInflightAppends', options.maxInflightAppends ?? 256, 1),
    maxInflightBytes: checkInteger('maxInflightBytes', options.maxInflightBytes ?? 16 * MIB, 1),
    maxUncommittedBytes: checkInteger('maxUncommittedBytes', options.maxUncommittedBytes ?? 64 * MIB, 1),
    maxWaitingReads: checkInteger('maxWaitingReads', options.maxWaitingReads ?? 4096, 1),
  });
}
