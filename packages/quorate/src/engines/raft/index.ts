/** The embedded Raft group: what `quorate` itself exports. */
export type { BoundEvent, ReadEvent, WriteEvent } from './raft-events.js';
export {
  type CloseOptions,
  type ProposeCallOptions,
  RaftNode,
  type RaftNodeOptions,
  type TransferOptions,
  type WriteResult,
} from './raft-node.js';
