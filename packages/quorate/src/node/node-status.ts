/**
 * What a node says of itself when it is asked. Plain data, part of the public interface; it must never claim to know
 * what it does not: that is null.
 */
import type { LeaderHint } from '../errors/index.js';
import type { DiskStatus } from './disk-notice.js';
import type { PeerStatus } from './peers.js';
import type { QueueStatus } from './replica.js';
import type { SnapshotStatus } from './snapshot/replica-snapshots.js';

export type NodeRole = 'forming' | 'follower' | 'pre-candidate' | 'candidate' | 'leader' | 'stopped';

export interface NodeStatus {
  readonly id: string;
  readonly role: NodeRole;
  readonly term: number;
  readonly leader: LeaderHint | null;
  readonly commit: number;
  /** The index that readers of this replica see. */
  readonly applied: number;
  readonly lastIndex: number;
  /** Of the log, which begins behind what was cut off; 0 while the cluster forms. */
  readonly firstIndex: number;
  readonly snapshots: SnapshotStatus;
  /**
   * Entries between the last confirmed bound and what is applied; null when none was asked for within the last election
   * timeout (R8).
   */
  readonly lag: number | null;
  /** On the leader: confirmation rounds for reads opened in this term; 0 elsewhere. */
  readonly rounds: number;
  /** Writes, requests for a bound and reads that wait on this node; each ends by its deadline (R9). */
  readonly waiting: number;
  /** What waits where. */
  readonly queues: QueueStatus & {
    /** Reads that wait for their bound or for the state. */
    readonly reads: number;
  };
  readonly cluster: string;
  /** Null until the formation is complete. */
  readonly clusterId: string | null;
  readonly members: readonly PeerStatus[];
  readonly protocolVersion: number;
  /** What is known of the disk; null while the cluster forms, and after `close`. */
  readonly disk: DiskStatus | null;
  /** Why the node stopped by itself; null while it runs, and after `close`. */
  readonly failure: { readonly message: string } | null;
}
