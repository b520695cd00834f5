/**
 * Quorate: fresh reads from every replica. The embedded Raft node, its state machines, and the types that both speak
 * of.
 */
export * from './engines/raft/index.js';
export {
  type ApplyContext,
  type ApplyEntry,
  type ApplyEvent,
  type CommandCodec,
  type CommitEvent,
  type DiskStatus,
  type LeaderActivity,
  type LeaderEvent,
  type LeadershipTerm,
  type LogEvent,
  type LogFields,
  type Logger,
  type LoopEvent,
  MemoryStateMachine,
  type NodeEvent,
  type NodeRole,
  type NodeStatus,
  type PeerStatus,
  type QueueStatus,
  type RoundEvent,
  type SnapshotEvent,
  type SnapshotFile,
  type SnapshotStatus,
  type SnapshotSummary,
  type StateMachine,
  type StateMachineDefinition,
  type StateView,
  silentLogger,
} from './node/index.js';
export type { ReadIndex, ReadOptions, ReadResult, StateReader } from './reads/index.js';
