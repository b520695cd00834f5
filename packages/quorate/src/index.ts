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
  decodeTables,
  encodeTables,
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
  type RestoredState,
  type RoundEvent,
  type SnapshotEvent,
  type SnapshotFile,
  type SnapshotStatus,
  type SnapshotSummary,
  type StateCodec,
  type StateMachine,
  type StateMachineDefinition,
  type StateSnapshot,
  type StateView,
  silentLogger,
  type TableContents,
  type TableTargets,
} from './node/index.js';
export type { ReadIndex, ReadOptions, ReadResult, StateReader } from './reads/index.js';
