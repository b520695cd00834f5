/** The embedded Raft group: what `quorate` itself exports. */
export { type RestoreOptions, restoreSnapshot, verifySnapshot } from './backup.js';
export type { BoundEvent, ReadEvent, WriteEvent } from './raft-events.js';
export {
  type CloseOptions,
  type ProposeCallOptions,
  RaftNode,
  type RaftNodeOptions,
  type SnapshotOptions,
  type TransferOptions,
  type WriteResult,
} from './raft-node.js';
