/**
 * The state of one Raft node and the few moves that every handler shares: change of role, sending, committing. The
 * rules of each message are in `handlers/`, those of each role in `roles/`. Nothing here may wait, read a clock or
 * draw lots by itself.
 */
import { invariant } from '../errors/index.js';
import type { Configuration } from './configuration.js';
import { isVoter } from './configuration.js';
import { DiskWatch } from './disk-watch.js';
import type { HardState, LogPosition, NodeId } from './entry.js';
import type { Leadership } from './leadership.js';
import { Log } from './log.js';
import type { RaftMessage, ReadRejection } from './message.js';
import { type RawNodeOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { ReadRequests } from './read-requests.js';
import type { Reader, WaitingRead } from './read-rounds.js';
import type { ReadResult, RejectedProposals, SnapshotOffer } from './ready.js';
import { SeenProposals } from './seen-proposals.js';

/** What every input carries, sampled after the input was taken. */
export interface Now {
  /** Wall clock, ms since 1970: stamps entries. */
  readonly wallMs: number;
}

/** What a node is at the moment, and what only then makes sense. */
export type RoleState =
  | {
      readonly role: 'follower';
      /** Null until the leader of this term has been heard of. */
      leader: NodeId | null;
      /** The last index known to be the same as the leader's: the follower commits no further. */
      matched: number;
      /** The highest commit index heard from this leader: what `matched` does not reach yet is remembered. */
      leaderCommit: number;
    }
  | {
      readonly role: 'pre-candidate' | 'candidate';
      readonly votes: Map<NodeId, boolean>;
    }
  | { readonly role: 'leader'; readonly leadership: Leadership };

/** A message without what every message of this node has in common. */
export type Outgoing = RaftMessage extends infer M ? (M extends RaftMessage ? Omit<M, 'from' | 'term'> : never) : never;

/** What has piled up for the next Ready. */
export interface Outbox {
  messages: RaftMessage[];
  /** May leave once the log is durable up to here, and term and vote are. */
  afterPersist: RaftMessage[];
  reads: ReadResult[];
  rejected: RejectedProposals[];
  openedRounds: number[];
  offers: SnapshotOffer[];
}

export class Raft {
  readonly id: NodeId;
  readonly bootId: number;
  readonly options: ResolvedOptions;
  readonly log: Log;
  readonly requests: ReadRequests;
  /** Of other nodes, decided on by this process. Kept beyond leadership: a duplicate may arrive at any time. */
  readonly seen = new SeenProposals();
  /** The last term that an earlier process of this node may have led, and decided on proposals in. */
  readonly mayHaveLed: number;
  readonly diskWatch = new DiskWatch();
  readonly outbox: Outbox = { messages: [], afterPersist: [], reads: [], rejected: [], openedRounds: [], offers: [] };
  configuration: Configuration;
  /** The newest that is durable here: what a follower is offered that lacks more than the log has. */
  snapshot: LogPosition;
  now: Now = { wallMs: 0 };
  /** Ticks since the leader was heard of; on a leader, since the last check of the quorum. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  electionTimeoutTicks = 0;
  /** The term and vote that are durable: messages that tell another term or vote wait (R11). */
  durableVote: { readonly term: number; readonly vote: NodeId | null };
  readonly #random: () => number;
  #term: number;
  #vote: NodeId | null;
  #state: RoleState;

  constructor(options: RawNodeOptions) {
    this.id = options.id;
    this.bootId = options.bootId;
    this.options = resolveOptions(options);
    this.configuration = options.configuration;
    this.#random = options.random;
    this.#term = options.hardState.term;
    this.#vote = options.hardState.vote;
    this.mayHaveLed = this.#vote === this.id ? this.#term : this.#term - 1;
    this.durableVote = { term: this.#term, vote: this.#vote };
    this.log = new Log(options.entries, options.hardState.commit, options.applied, options.start);
    invariant(this.log.last.term <= this.#term, 'the term is at least that of the last entry', { term: this.#term });
    this.snapshot = options.snapshot ?? this.log.start;
    this.requests = new ReadRequests(this.options.heartbeatTicks);
    this.#state = { role: 'follower', leader: null, matched: this.log.committed, leaderCommit: 0 };
    this.resetElectionTimer();
  }

  get term(): number {
    return this.#term;
  }

  get vote(): NodeId | null {
    return this.#vote;
  }

  get state(): RoleState {
    return this.#state;
  }

  get hardState(): HardState {
    return { term: this.#term, vote: this.#vote, commit: this.log.committed };
  }

  /** The leader of this term as far as it is known; null when it is not. */
  get leader(): NodeId | null {
    switch (this.#state.role) {
      case 'leader':
        return this.id;
      case 'follower':
        return this.#state.leader;
      default:
        return null;
    }
  }

  /** What a leader knows, or null on any other role. */
  get leadership(): Leadership | null {
    return this.#state.role === 'leader' ? this.#state.leadership : null;
  }

  /** The disk has taken nothing for an election timeout: this node neither leads nor campaigns. */
  get diskIsStalled(): boolean {
    return this.diskWatch.ticks >= this.options.electionTicks;
  }

  get isVoter(): boolean {
    return isVoter(this.configuration, this.id);
  }

  /**
   * The one place where the role, and with it the term, changes. Reads under way end here with a reason (R5); the
   * vote is cleared only when the term grows (R11).
   */
  become(state: RoleState, term = this.#term): void {
    invariant(term >= this.#term, 'the term never goes back', { from: this.#term, to: term });
    const before = this.#state;
    if (before.role === 'leader') {
      for (const { reader } of before.leadership.rounds.drain()) this.refuseRead(reader, 'leadership-lost');
    }
    for (const read of this.requests.drain()) this.outbox.reads.push({ read, ok: false, reason: 'leadership-lost' });
    if (term > this.#term) {
      this.#term = term;
      this.#vote = null;
      // The new term's leader may replace these entries before they are durable; its predecessor must not hear that
      // they are.
      const { outbox } = this;
      outbox.afterPersist = outbox.afterPersist.filter(({ type }) => type !== 'append-entries-response');
    }
    this.#state = state;
    this.resetElectionTimer();
  }

  /** Steps back to follow `leader`, or nobody yet. */
  becomeFollower(term: number, leader: NodeId | null): void {
    this.become({ role: 'follower', leader, matched: this.log.committed, leaderCommit: 0 }, term);
  }

  /** Gives this term's vote away. Once given it stays (R11). */
  voteFor(candidate: NodeId): void {
    invariant(this.#vote === null || this.#vote === candidate, 'one vote in a term', { term: this.#term });
    this.#vote = candidate;
  }

  resetElectionTimer(): void {
    const { electionTicks } = this.options;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.electionTimeoutTicks = electionTicks + Math.floor(this.#random() * electionTicks);
  }

  /**
   * Sends in the present term. What tells of a term or vote that is not durable yet, or of entries up to
   * `durableIndex` that are not, waits for the disk (R11, R12); everything else leaves at once (R3).
   */
  send(message: Outgoing, durableIndex = 0): void {
    this.sendAs({ ...message, from: this.id, term: this.#term } as RaftMessage, durableIndex);
  }

  /** As {@link send}, for the pre-vote, whose messages may carry another term than the node's. */
  sendAs(message: RaftMessage, durableIndex = 0): void {
    const { term, vote } = this.durableVote;
    const waits = term !== this.#term || vote !== this.#vote || durableIndex > this.log.durable;
    (waits ? this.outbox.afterPersist : this.outbox.messages).push(message);
  }

  /** A follower commits what the leader has committed, as far as its own log is known to be the leader's. */
  commitAsFollower(matched: number, leaderCommit: number): void {
    const state = this.#state;
    invariant(state.role === 'follower', 'only a follower follows', { role: state.role });
    state.matched = Math.max(state.matched, matched);
    state.leaderCommit = Math.max(state.leaderCommit, leaderCommit);
    this.log.commitTo(Math.min(state.matched, state.leaderCommit));
  }

  answerRead({ reader, bound }: WaitingRead): void {
    if (reader.kind === 'local') {
      this.outbox.reads.push({ read: reader.read, ok: true, index: bound, term: this.#term });
      return;
    }
    const { from: to, origin, sequence } = reader;
    this.send({ type: 'read-index-response', to, origin, sequence, index: bound, commit: this.log.committed });
  }

  refuseRead(reader: Reader, reason: ReadRejection): void {
    if (reader.kind === 'local') {
      this.outbox.reads.push({ read: reader.read, ok: false, reason });
      return;
    }
    const { from: to, origin, sequence } = reader;
    this.send({ type: 'read-index-rejected', to, origin, sequence, reason });
  }
}
