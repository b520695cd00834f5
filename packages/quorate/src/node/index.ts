/** The runtime that drives the core: the loop, the log on disk, the network, the state machine. */
export { type Clock, systemClock, type Timer } from './clock.js';
export type { DiskStatus } from './disk-notice.js';
export { EventChannel, type NodeEvent } from './event-channel.js';
export type { Formation, Hello, Member } from './identity.js';
export type { LeaderActivity, LeadershipTerm } from './leader-activity.js';
export { type LogFields, type Logger, silentLogger } from './logger.js';
export { Node, type NodeParts } from './node.js';
export type {
  ApplyEvent,
  CommitEvent,
  LeaderEvent,
  LogEvent,
  LoopEvent,
  RoundEvent,
  SnapshotEvent,
} from './node-events.js';
export type { NodeRole, NodeStatus } from './node-status.js';
export type { PeerStatus } from './peers.js';
export type { Core, CreateCore, QueueStatus } from './replica.js';
export { type ReplicaOptions, type ReplicaTuning, resolveReplicaOptions } from './replica-options.js';
export { restoreFile, type SnapshotSummary, verifyFile } from './snapshot/backup-file.js';
export type { SnapshotStatus } from './snapshot/replica-snapshots.js';
export type { SnapshotFile } from './snapshot/snapshot-file.js';
export {
  MemoryStateMachine,
  type StateCodec,
  type StateMachineDefinition,
} from './state-machine/memory-state-machine.js';
export type {
  ApplyContext,
  ApplyEntry,
  CommandCodec,
  RestoredState,
  StateMachine,
  StateSnapshot,
  StateView,
} from './state-machine/state-machine.js';
export {
  decodeTables,
  encodeTables,
  type TableContents,
  type TableTargets,
} from './state-machine/tables/state-stream.js';
export { openDirectory } from './storage/data-directory.js';
export { NodeDisk } from './storage/node-disk.js';
export type { Address } from './transport/sockets.js';
export { TcpTransport } from './transport/tcp-transport.js';
