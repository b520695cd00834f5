/** The embedded Raft group: what `quorate` itself exports. */
export {
  type CloseOptions,
  type ProposeCallOptions,
  RaftNode,
  type RaftNodeOptions,
  type TransferOptions,
  type WriteResult,
} from './raft-node.js';
