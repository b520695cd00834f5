/**
 * What the loop, the log and the state machine of a node tell of themselves, each on a channel of its own. The messages
 * are part of the public interface (docs/reference/events.md); they hold numbers and names, never keys or values.
 */
import { EventChannel, type NodeEvent } from './event-channel.js';

/** On `quorate.leader`: the leader or the term, as this node knows them, has changed. */
export interface LeaderEvent extends NodeEvent {
  readonly term: number;
  /** Null while none is known. */
  readonly leader: string | null;
  /** Of this node. */
  readonly role: 'follower' | 'pre-candidate' | 'candidate' | 'leader';
}

/** On `quorate.round`: this leader has opened a confirmation round. */
export interface RoundEvent extends NodeEvent {
  readonly term: number;
  /** Requests for a bound that it serves, of this node and of followers; many reads may share one. */
  readonly requests: number;
}

/** On `quorate.commit`: entries that this leader appended together are committed. */
export interface CommitEvent extends NodeEvent {
  readonly term: number;
  /** Of the last of them. */
  readonly index: number;
  /** From appending them until the leader saw that they are on the disks of a quorum, its own included. */
  readonly durationMs: number;
}

/** On `quorate.log`: one write to the log is durable. */
export interface LogEvent extends NodeEvent {
  /** Of the record. */
  readonly bytes: number;
  /** From giving it to the operating system until that said that it is durable. */
  readonly durationMs: number;
  /** Of all segments, the one in use in its full size. */
  readonly logBytes: number;
}

/** On `quorate.apply`: the state machine has applied a batch of entries. */
export interface ApplyEvent extends NodeEvent {
  readonly entries: number;
  /** Of one synchronous step. */
  readonly durationMs: number;
}

/** On `quorate.loop`: a tick of the node. */
export interface LoopEvent extends NodeEvent {
  /** How much later than due it came, after everything that waited in the sockets. */
  readonly delayMs: number;
}

/** On `quorate.snapshot`: a snapshot was taken here, sent to another node or received from one; or that has failed. */
export interface SnapshotEvent extends NodeEvent {
  readonly kind: 'taken' | 'sent' | 'received';
  readonly outcome: 'done' | 'failed';
  /** The code of the error, `unknown` for one that is no QuorateError; null when it is done. */
  readonly code: string | null;
  /** The last entry that its state contains; null where it was not known yet. */
  readonly index: number | null;
  /** Of the file; null when it has failed. */
  readonly bytes: number | null;
  /** From its beginning; of one received, until its state was ready to be read. */
  readonly durationMs: number;
}

export interface NodeEvents {
  readonly leader: EventChannel<LeaderEvent>;
  readonly round: EventChannel<RoundEvent>;
  readonly commit: EventChannel<CommitEvent>;
  readonly apply: EventChannel<ApplyEvent>;
  readonly loop: EventChannel<LoopEvent>;
  readonly snapshot: EventChannel<SnapshotEvent>;
}

/** The channels of the node of that name; that of the log is with the log. */
export function nodeEvents(node: string): NodeEvents {
  return {
    leader: new EventChannel('quorate.leader', node),
    round: new EventChannel('quorate.round', node),
    commit: new EventChannel('quorate.commit', node),
    apply: new EventChannel('quorate.apply', node),
    loop: new EventChannel('quorate.loop', node),
    snapshot: new EventChannel('quorate.snapshot', node),
  };
}

export function logEvents(node: string): EventChannel<LogEvent> {
  return new EventChannel('quorate.log', node);
}
