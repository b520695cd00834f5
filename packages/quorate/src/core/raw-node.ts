/**
 * The public face of the core, in the shape of etcd-io/raft's raw node: inputs in, a Ready out. It does no I/O and
 * knows no time but ticks. The caller's duties are in `ready.ts`; nothing here may be called from within one of them.
 */
import { invariant } from '../errors/index.js';
import type { HardState, LogPosition, LogStart, NodeId } from './entry.js';
import { handle } from './handlers/index.js';
import { restore } from './handlers/install-snapshot.js';
import { captureRead } from './handlers/read-index.js';
import type { Proposal, ProposalRejection, RaftMessage } from './message.js';
import type { RawNodeOptions } from './options.js';
import { type Now, Raft } from './raft.js';
import type { CoreStatus, Persist, Ready, Role } from './ready.js';
import { campaign } from './roles/candidate.js';
import { tickFollower } from './roles/follower.js';
import { maybeCommit, propose, tickLeader, transferLeadership } from './roles/leader.js';

/** Bytes of committed entries handed out in one Ready. */
const MAX_COMMITTED_BYTES = 4 * 1024 * 1024;

interface Step {
  readonly number: number;
  readonly hardState: HardState;
  /** Messages of the node to itself that wait for the step. */
  readonly own: readonly RaftMessage[];
}

export class RawNode {
  readonly #raft: Raft;
  #lastStep = 0;
  /** The hard state as the last step had it. */
  #handedOut: HardState;
  #steps: Step[] = [];

  constructor(options: RawNodeOptions) {
    this.#raft = new Raft(options);
    this.#handedOut = this.#raft.hardState;
  }

  /** A message of another node has arrived. Messages to another node than this one are a mistake of the caller. */
  step(message: RaftMessage, now: Now): void {
    this.#raft.now = now;
    handle(this.#raft, message);
  }

  /** One tick of time has passed. After a stall of the process at most one may be reported. */
  tick(now: Now): void {
    this.#raft.now = now;
    const { leadership } = this.#raft;
    this.#raft.diskWatch.tick(this.#raft.log);
    if (leadership === null) tickFollower(this.#raft);
    else tickLeader(this.#raft, leadership);
  }

  /**
   * A leader appends the commands, a follower forwards them one hop, fenced to `ifTerm`, or else to its own term.
   * Every one that is appended comes back as a committed entry, or is superseded by an entry of a later term; every
   * one that certainly was not is in `ready().rejected`; of one that was lost on its way nothing is heard.
   */
  propose(proposals: readonly Proposal[], now: Now, options: { readonly ifTerm?: number | undefined } = {}): void {
    const raft = this.#raft;
    raft.now = now;
    const { leader, leadership, term } = raft;
    let reason: ProposalRejection | null;
    if (options.ifTerm !== undefined && options.ifTerm !== term) reason = 'term-changed';
    else if (leadership !== null) reason = propose(raft, leadership, proposals);
    else if (leader === null) reason = 'not-leader';
    else {
      raft.send({ type: 'propose', to: leader, proposals });
      return;
    }
    if (reason !== null) raft.outbox.rejected.push({ ids: proposals.map(({ id }) => id), reason, term });
  }

  /**
   * Asks for a bound for `read`, a number of the caller's, unique among those under way. It ends in `ready().reads`.
   */
  readIndex(read: number, now: Now): void {
    const raft = this.#raft;
    raft.now = now;
    const { leader } = raft;
    if (leader === raft.id) captureRead(raft, { kind: 'local', read });
    else if (leader === null) raft.outbox.reads.push({ read, ok: false, reason: 'no-leader' });
    else if (raft.requests.size >= raft.options.maxWaitingReads) {
      raft.outbox.reads.push({ read, ok: false, reason: 'overloaded' });
    } else {
      raft.send({ type: 'read-index-request', to: leader, origin: raft.bootId, sequence: raft.requests.add(read) });
    }
  }

  /** Forgets a read whose caller has gone: unless its end is in a Ready already, none will come. */
  cancelRead(read: number): void {
    const raft = this.#raft;
    raft.requests.cancel(read);
    raft.leadership?.rounds.cancel(read);
    raft.outbox.reads = raft.outbox.reads.filter((result) => result.read !== read);
  }

  /** Campaigns at once. */
  campaign(now: Now): void {
    this.#raft.now = now;
    if (this.#raft.leadership === null) campaign(this.#raft, 'pre-vote');
  }

  /** On a leader: hands over to a member. Does nothing on any other node. */
  transferLeadership(to: NodeId, now: Now): void {
    this.#raft.now = now;
    const { leadership } = this.#raft;
    if (leadership !== null) transferLeadership(this.#raft, leadership, to);
  }

  /** Messages to `peer` may have been lost: probe it, and ask it again for the bounds under way. */
  unreachable(peer: NodeId): void {
    const raft = this.#raft;
    const progress = raft.leadership?.followers.get(peer);
    if (progress?.state === 'replicate') progress.become('probe');
    if (raft.leader === peer) raft.requests.suspectLoss();
  }

  /**
   * Step `number` and all before it are durable: send its messages to others now, those to this node are handled
   * here.
   */
  persisted(number: number, now: Now): void {
    const raft = this.#raft;
    raft.now = now;
    raft.log.persisted(number);
    const own: RaftMessage[] = [];
    for (let step = this.#steps[0]; step !== undefined && step.number <= number; step = this.#steps[0]) {
      raft.durableVote = step.hardState;
      own.push(...step.own);
      this.#steps.shift();
    }
    for (const message of own) handle(raft, message);
    if (raft.leadership !== null) maybeCommit(raft, raft.leadership);
  }

  /** The newest durable snapshot is at `position`, which is applied. From now on it is what followers are offered. */
  snapshotted(position: LogPosition): void {
    if (position.index > this.#raft.snapshot.index) this.#raft.snapshot = position;
  }

  /** True when a snapshot up to this position, which is committed, has what this node's log has not. */
  lacks(position: LogPosition): boolean {
    return this.#raft.log.lacks(position);
  }

  /** Where a log could begin that holds at most so many bytes of entries; at least one entry stays. */
  startWithin(maxBytes: number): number {
    return this.#raft.log.startWithin(maxBytes);
  }

  /** Cuts the log off, up to `index`: at most where the newest snapshot ends. */
  cutLog(index: number): void {
    const { log, snapshot } = this.#raft;
    invariant(index <= snapshot.index, 'only what is in a durable snapshot is cut off', {
      index,
      snapshot: snapshot.index,
    });
    log.cutTo(index);
  }

  /** The applied entry at `index` as the beginning of a log; it must not be cut off. */
  startAt(index: number): LogStart {
    return this.#raft.log.startAt(index);
  }

  /**
   * The state of an offered snapshot is here, durable. True: the log is replaced by it, with the next step; the state
   * is to be swapped in when that step is durable. False: the log has come further meanwhile.
   */
  restore(start: LogStart): boolean {
    return restore(this.#raft, start);
  }

  /** The state machine has applied everything handed out up to `index`. */
  applied(index: number): void {
    this.#raft.log.appliedTo(index);
  }

  hasReady(): boolean {
    const { log, outbox } = this.#raft;
    const { messages, afterPersist, reads, rejected, offers } = outbox;
    const waiting = messages.length + afterPersist.length + reads.length + rejected.length + offers.length;
    return waiting > 0 || log.hasUnpersisted || log.hasCommitted || this.#hardStateChanged();
  }

  /**
   * Everything that is to be done since the last call, each thing once. Several steps for the disk may be under way.
   */
  ready(): Ready {
    const raft = this.#raft;
    const persist = this.#takePersist();
    const { messages, reads, rejected, openedRounds, offers } = raft.outbox;
    raft.outbox.messages = [];
    raft.outbox.reads = [];
    raft.outbox.rejected = [];
    raft.outbox.openedRounds = [];
    raft.outbox.offers = [];
    const committed = raft.log.takeCommitted(MAX_COMMITTED_BYTES);
    return { messages, persist, committed, reads, rejected, openedRounds, offers };
  }

  #hardStateChanged(): boolean {
    const { hardState } = this.#raft;
    // The commit index may be forgotten: it alone is not worth a step.
    return hardState.term !== this.#handedOut.term || hardState.vote !== this.#handedOut.vote;
  }

  #takePersist(): Persist | null {
    const raft = this.#raft;
    const mustSync = raft.log.hasUnpersisted || this.#hardStateChanged();
    if (!mustSync && raft.outbox.afterPersist.length === 0) return null;
    const number = ++this.#lastStep;
    const { hardState } = raft;
    const messages = raft.outbox.afterPersist.filter(({ to }) => to !== raft.id);
    const own = raft.outbox.afterPersist.filter(({ to }) => to === raft.id);
    raft.outbox.afterPersist = [];
    this.#handedOut = hardState;
    this.#steps.push({ number, hardState, own });
    const { restart, entries } = raft.log.takeUnpersisted(number);
    return { number, hardState, mustSync, restart, entries, messages };
  }

  status(): CoreStatus {
    const { id, term, leader, log, state, leadership, diskIsStalled, diskWatch } = this.#raft;
    return {
      id,
      role: state.role,
      term,
      leader,
      commit: log.committed,
      start: log.start.index,
      snapshot: this.#raft.snapshot.index,
      applied: log.applied,
      lastIndex: log.lastIndex,
      diskStalledTicks: diskIsStalled ? diskWatch.ticks : 0,
      rounds: leadership?.rounds.current ?? 0,
      followers: [...(leadership?.followers ?? [])].map(([follower, progress]) => ({
        id: follower,
        state: progress.state,
        matchIndex: progress.match,
        nextIndex: progress.next,
        recentlyActive: progress.recentlyActive,
      })),
    };
  }

  /** Of {@link status}, without the cost of the rest: it is asked for with every message and every read. */
  get role(): Role {
    return this.#raft.state.role;
  }

  get term(): number {
    return this.#raft.term;
  }

  get leader(): NodeId | null {
    return this.#raft.leader;
  }
}
