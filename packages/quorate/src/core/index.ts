/** Raft without I/O: a deterministic state machine. Messages, ticks and proposals in, a Ready out. */
export { type Configuration, isVoter, members, votersOnly } from './configuration.js';
export {
  type Entry,
  entryBytes,
  FROM_THE_BEGINNING,
  type HardState,
  type LogPosition,
  type LogStart,
  type NodeId,
  type ProposalId,
} from './entry.js';
export type * from './message.js';
export type { RawNodeOptions } from './options.js';
export type { Now } from './raft.js';
export { RawNode } from './raw-node.js';
export type {
  CoreStatus,
  FollowerStatus,
  Persist,
  ReadResult,
  Ready,
  RejectedProposals,
  Role,
  SnapshotOffer,
} from './ready.js';
