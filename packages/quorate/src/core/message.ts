/**
 * The messages between nodes, one type per kind; the handler of each is in `handlers/`, in the file of the same name.
 * Plain data: the codec and the simulator copy them. A message must never carry a token that its receiver is to trust
 * for confirming anything: rounds are made by the leader (R4).
 */
import type { Entry, NodeId, ProposalId } from './entry.js';

interface Addressed {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term, except for the pre-vote (the term it would campaign in). */
  readonly term: number;
}

/**
 * Candidate to voters. `lastIndex`, `lastTerm`: the end of its log (Raft, section 5.4.1). `transfer`: sent for a
 * leadership transfer.
 */
export interface RequestVote extends Addressed {
  readonly type: 'request-vote';
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly transfer: boolean;
}

/** Voter to candidate. */
export interface RequestVoteResponse extends Addressed {
  readonly type: 'request-vote-response';
  readonly rejected: boolean;
}

/** Asks whether a campaign in `term` could be won; changes nothing at the receiver (Raft dissertation, section 9.6). */
export interface RequestPreVote extends Addressed {
  readonly type: 'request-pre-vote';
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** Carries the term of the request when granted, the voter's own when rejected. */
export interface RequestPreVoteResponse extends Addressed {
  readonly type: 'request-pre-vote-response';
  readonly rejected: boolean;
}

/**
 * Leader to follower: entries after (`previousIndex`, `previousTerm`), the commit index, and the current round (R3).
 */
export interface AppendEntries extends Addressed {
  readonly type: 'append-entries';
  readonly previousIndex: number;
  readonly previousTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
  readonly round: number;
}

/**
 * Follower to leader. Accepted: everything through `index` matches and is durable. Rejected: `index` is the previous
 * index that did not match, and (`hintIndex`, `hintTerm`) the latest place where the logs may still agree. `round` is
 * echoed.
 */
export interface AppendEntriesResponse extends Addressed {
  readonly type: 'append-entries-response';
  readonly index: number;
  readonly rejected: boolean;
  readonly hintIndex: number;
  readonly hintTerm: number;
  readonly round: number;
}

/** Leader to follower: I lead, this much of your log is committed, answer for this round. */
export interface Heartbeat extends Addressed {
  readonly type: 'heartbeat';
  readonly commit: number;
  readonly round: number;
}

/** Follower to leader, sent before any disk write. */
export interface HeartbeatResponse extends Addressed {
  readonly type: 'heartbeat-response';
  readonly round: number;
}

/**
 * Leader to follower: what you lack next is cut off my log; a snapshot that ends at (`index`, `snapshotTerm`) is here
 * to be fetched. Sent again with the heartbeats until the follower has what the log begins behind.
 */
export interface InstallSnapshot extends Addressed {
  readonly type: 'install-snapshot';
  readonly index: number;
  readonly snapshotTerm: number;
}

/** Leader to the target of a transfer: campaign now (Raft dissertation, section 3.10). */
export interface TimeoutNow extends Addressed {
  readonly type: 'timeout-now';
}

/** A command on its way into the log. */
export interface Proposal {
  readonly id: ProposalId;
  readonly data: Uint8Array;
}

/** Follower to leader, one hop. Only a leader in exactly this `term` may append it: that fences the write. */
export interface Propose extends Addressed {
  readonly type: 'propose';
  readonly proposals: readonly Proposal[];
}

/** Why a proposal was certainly not appended. */
export type ProposalRejection = 'not-leader' | 'term-changed' | 'transfer-in-progress' | 'overloaded';

/**
 * Leader to follower: these proposals were not appended and never will be. Appended ones are answered by the log
 * itself.
 */
export interface ProposeRejected extends Addressed {
  readonly type: 'propose-rejected';
  readonly ids: readonly ProposalId[];
  readonly reason: ProposalRejection;
}

/**
 * Follower to leader, one hop: give me a bound. (`origin`, `sequence`): boot id and counter, fresh for every sending
 * (R4).
 */
export interface ReadIndexRequest extends Addressed {
  readonly type: 'read-index-request';
  readonly origin: number;
  readonly sequence: number;
}

/**
 * Leader to follower: the bound, confirmed, and the commit index, so that the follower learns of it without a further
 * message.
 */
export interface ReadIndexResponse extends Addressed {
  readonly type: 'read-index-response';
  readonly origin: number;
  readonly sequence: number;
  readonly index: number;
  readonly commit: number;
}

/** Why no bound was given. */
export type ReadRejection = 'not-leader' | 'leadership-lost' | 'overloaded';

/** Leader (or one that is not) to follower: no bound; ask again, or ask another. */
export interface ReadIndexRejected extends Addressed {
  readonly type: 'read-index-rejected';
  readonly origin: number;
  readonly sequence: number;
  readonly reason: ReadRejection;
}

/**
 * Follower to whoever offered a snapshot: the next bytes of its file, from `offset` on. Not for the core: files are its
 * caller's.
 */
export interface SnapshotRequest extends Addressed {
  readonly type: 'snapshot-request';
  readonly index: number;
  readonly snapshotTerm: number;
  readonly offset: number;
}

/** The answer: bytes at `offset` of a file of `size` bytes; `size` is 0 when it is not there any more. */
export interface SnapshotChunk extends Addressed {
  readonly type: 'snapshot-chunk';
  readonly index: number;
  readonly snapshotTerm: number;
  readonly offset: number;
  readonly size: number;
  readonly data: Uint8Array;
}

/** What the core handles. */
export type RaftMessage =
  | RequestVote
  | RequestVoteResponse
  | RequestPreVote
  | RequestPreVoteResponse
  | AppendEntries
  | AppendEntriesResponse
  | Heartbeat
  | HeartbeatResponse
  | InstallSnapshot
  | TimeoutNow
  | Propose
  | ProposeRejected
  | ReadIndexRequest
  | ReadIndexResponse
  | ReadIndexRejected;

/** What carries a snapshot from node to node, beside the core. */
export type SnapshotMessage = SnapshotRequest | SnapshotChunk;

/** Whatever a node sends to another. */
export type Message = RaftMessage | SnapshotMessage;
