/**
 * Quorate: fresh reads from every replica. The embedded Raft node, its state machines, and the types that both speak
 * of.
 */
export * from './engines/raft/index.js';
export {
  type ApplyContext,
  type ApplyEntry,
  type CommandCodec,
  type LeaderActivity,
  type LeadershipTerm,
  type LogFields,
  type Logger,
  MemoryStateMachine,
  type NodeRole,
  type NodeStatus,
  type PeerStatus,
  type StateMachine,
  type StateMachineDefinition,
  type StateView,
  silentLogger,
} from './node/index.js';
export type { ReadIndex, ReadOptions, ReadResult, StateReader } from './reads/index.js';
