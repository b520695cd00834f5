/**
 * The one loop of a node: messages, ticks, writes and reads go into the core, and what the core wants done goes to
 * the network, the disk and the state machine. It must never wait for the disk before it sends what may leave at once
 * (R3), and ends its life at the first failure of the disk or the state machine (R12; architecture, decisions 5 and
 * 11).
 */
import {
  type CoreStatus,
  type LogPosition,
  type LogStart,
  type Message,
  type Now,
  type Persist,
  RawNode,
  type RawNodeOptions,
  type Role,
  votersOnly,
} from '../core/index.js';
import {
  InvalidArgument,
  invariant,
  type LeaderHint,
  NotLeader,
  SnapshotInstalling,
  Stopped,
} from '../errors/index.js';
import { AppliedWaiters } from './applied-waiters.js';
import { type AppliedBatch, Applier } from './applier.js';
import { type Bound, BoundRequests, type DatedBound } from './bound-requests.js';
import type { Clock } from './clock.js';
import { CoreEvents } from './core-events.js';
import { DiskNotice, type DiskStatus } from './disk-notice.js';
import type { Formation } from './identity.js';
import type { Logger } from './logger.js';
import { type NodeEvents, nodeEvents } from './node-events.js';
import type { Peers } from './peers.js';
import { type Applied, Proposals, type ProposeOptions } from './proposals.js';
import type { ReplicaOptions } from './replica-options.js';
import { checkState } from './snapshot/load-state.js';
import { ReplicaSnapshots, type SnapshotStatus } from './snapshot/replica-snapshots.js';
import { SnapshotEvents } from './snapshot/snapshot-events.js';
import type { SnapshotFile } from './snapshot/snapshot-file.js';
import type { Snapshots } from './snapshot/snapshots.js';
import type { RestoredState, StateMachine } from './state-machine/state-machine.js';
import type { LogStorage, RecoveredLog } from './storage/log-storage.js';
import { Ticker } from './ticker.js';
import { transferTarget } from './transfer-target.js';
import type { Transport } from './transport/transport.js';

/** A core as the loop uses it. */
export type Core = Pick<RawNode, keyof RawNode>;

export type CreateCore = (options: RawNodeOptions) => Core;

/** What waits inside a node. Each of it is bounded (R9). */
export interface QueueStatus {
  /** Writes of this node that are not applied here yet. */
  readonly writes: number;
  /** Steps handed to the log that are not durable yet. */
  readonly log: number;
  /** Committed entries that are not applied yet. */
  readonly apply: number;
}

/** What a replica runs on: opened, identified and formed already. */
export interface ReplicaParts<Result> {
  readonly id: string;
  readonly bootId: number;
  readonly formation: Formation;
  readonly log: LogStorage;
  readonly recovered: RecoveredLog;
  readonly snapshots: Snapshots;
  /** The newest snapshot that is one of this log; null without one. */
  readonly newestSnapshot: LogPosition | null;
  readonly machine: StateMachine<never, Result, unknown>;
  readonly transport: Pick<Transport, 'send' | 'isConnected'>;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly options: ReplicaOptions;
  /** Default a RawNode. The simulator looks over its shoulder; tests put broken ones here. */
  readonly createCore?: CreateCore | undefined;
  /** The leader or the term has changed. */
  readonly onLeader: () => void;
  /**
   * This replica leads the term, and has applied an entry of it, and so all that was acknowledged before; null: it
   * leads no longer.
   */
  readonly onLeads: (term: number | null) => void;
  /** The replica can go no further: its disk failed, or the state machine threw. Called once. */
  readonly onFailure: (error: Error) => void;
}

export class Replica<Result> {
  readonly waiters: AppliedWaiters;
  readonly #parts: ReplicaParts<Result>;
  readonly #core: Core;
  readonly #applier: Applier<Result>;
  readonly #proposals: Proposals<Result>;
  readonly #bounds: BoundRequests;
  readonly #ticker: Ticker;
  readonly #events: NodeEvents;
  readonly #coreEvents: CoreEvents;
  readonly #disk: DiskNotice;
  readonly #snapshots: ReplicaSnapshots;
  /** A state that waits for the log to begin behind it. */
  #restoring: { readonly start: LogStart; readonly state: RestoredState } | null = null;
  /** Steps handed to the log and not durable yet. */
  #undurable = 0;
  #scheduled = false;
  #stopped: { readonly cause: unknown } | null = null;
  /** Settles when every step handed to the log so far is durable. */
  #lastDurable: Promise<void> = Promise.resolve();
  /** Leader and term as of the last turn, to see when they change. */
  #lastLeader: { readonly leader: string | null; readonly term: number } = { leader: null, term: 0 };
  /** The term that this replica has told that it leads. */
  #leads: number | null = null;
  /** Writes forwarded in this term may not have arrived. */
  #resendDue = false;
  /** The highest bound that was confirmed, and when the latest of them was asked for. */
  #confirmed: Pick<DatedBound, 'index' | 'askedAtMs'> | null = null;

  constructor(parts: ReplicaParts<Result>) {
    const { options, clock, machine, recovered, formation, bootId } = parts;
    this.#parts = parts;
    this.#events = nodeEvents(parts.id);
    this.#coreEvents = new CoreEvents(this.#events, clock);
    this.#disk = new DiskNotice(parts.logger);
    const leader = () => this.leader;
    checkState(recovered, machine);
    const createCore = parts.createCore ?? ((core) => new RawNode(core));
    this.#core = createCore({
      ...options.core,
      id: parts.id,
      bootId,
      configuration: votersOnly(formation.members.map(({ id }) => id)),
      hardState: recovered.hardState,
      start: recovered.start,
      snapshot: parts.newestSnapshot ?? recovered.start,
      entries: recovered.entries,
      applied: machine.appliedIndex,
      random: parts.random,
    });
    this.waiters = new AppliedWaiters(options.maxWaitingReads);
    this.#proposals = new Proposals({
      ...{ clock, leader },
      origin: bootId,
      maxBytes: options.maxPendingWriteBytes,
      termWaitMs: options.electionTimeoutMs,
    });
    this.#bounds = new BoundRequests({ limit: options.maxWaitingReads, leader });
    this.#applier = new Applier({
      machine,
      clock,
      onApplied: (batch) => this.#onApplied(batch),
      events: this.#events.apply,
      onFailure: (error) => this.#fail(error),
    });
    this.#snapshots = this.#createSnapshots();
    this.#ticker = new Ticker({
      clock,
      tickMs: options.tickMs,
      stallMs: options.stallWarningMs,
      onTick: (delayMs) => this.#tick(delayMs),
      onStall: (blockedMs) =>
        parts.logger.warn(
          { blockedMs: Math.round(blockedMs) },
          'the event loop was blocked: reads and writes had to wait',
        ),
    });
  }

  #createSnapshots(): ReplicaSnapshots {
    const { options, formation, transport } = this.#parts;
    const { clusterId, members } = formation;
    const configuration = votersOnly(members.map(({ id }) => id));
    return new ReplicaSnapshots({
      isRestoring: () => this.#restoring !== null,
      ...this.#parts,
      core: this.#core,
      clusterId,
      options: options.snapshots,
      idleMs: 10 * options.electionTimeoutMs,
      askAgainMs: options.electionTimeoutMs,
      events: new SnapshotEvents(this.#events.snapshot, this.#parts.clock),
      send: (message) => transport.send(message),
      describe: ({ timestampMs, ...position }) => ({ position, timestampMs, clusterId, configuration }),
      onRestored: (start, state) => this.#restored(start, state),
      onFailure: (error) => this.#fail(error),
    });
  }

  /** Begins to live: applies what is committed already, and lets time pass. */
  start(): void {
    this.#applier.start();
    this.#ticker.start();
    this.#schedule();
  }

  get leader(): LeaderHint | null {
    return this.#parts.peers.hint(this.#core.leader);
  }

  get role(): Role {
    return this.#core.role;
  }

  status(): CoreStatus & {
    readonly lag: number | null;
    readonly waiting: number;
    readonly queues: QueueStatus;
    readonly disk: DiskStatus;
    readonly snapshots: SnapshotStatus;
  } {
    const { options, clock, machine } = this.#parts;
    const bound = this.#confirmed;
    // A bound asked for long ago says nothing: an isolated replica does not believe that it is fresh (R8).
    const known = bound !== null && clock.monotonicMs() - bound.askedAtMs <= options.electionTimeoutMs;
    const lag = known ? Math.max(0, bound.index - machine.appliedIndex) : null;
    const waiting = this.#proposals.size + this.#bounds.size + this.waiters.size;
    const queues = { writes: this.#proposals.size, log: this.#undurable, apply: this.#applier.size };
    const disk = this.#disk.status;
    return { ...this.#core.status(), lag, waiting, queues, disk, snapshots: this.#snapshots.status };
  }

  /** Throws Stopped when the replica has stopped: its state is not to be read any more. */
  assertRunning(): void {
    if (this.#stopped !== null) throw new Stopped({ cause: this.#stopped.cause });
  }

  receive(message: Message): void {
    if (message.type !== 'snapshot-request' && message.type !== 'snapshot-chunk') {
      this.#input((now) => this.#core.step(message, now));
    } else if (this.#stopped === null) this.#snapshots.receive(message);
  }

  /** A snapshot of another node is being taken over: until then nothing is applied here. */
  get isInstalling(): boolean {
    return this.#restoring !== null || this.#snapshots.isReceiving;
  }

  /**
   * Takes a snapshot at `index` or later, by default of all that is applied now. Resolves to its position once it is
   * durable; see `Snapshotter`.
   */
  async takeSnapshot(index = this.#parts.machine.appliedIndex): Promise<LogPosition> {
    for (;;) {
      this.assertRunning();
      if (this.#restoring !== null) throw new SnapshotInstalling({ leader: this.leader });
      const position = await this.#snapshots.take();
      // One that was under way is of an older state.
      if (position.index >= index) return position;
    }
  }

  /** The file of such a snapshot, which the caller closes. */
  async openSnapshot(index: number): Promise<SnapshotFile> {
    for (;;) {
      const file = await this.#parts.snapshots.openFile(await this.takeSnapshot(index));
      if (file !== null) return file;
    }
  }

  /** Messages to this peer may have been lost. If it leads, writes that were on their way are sent again. */
  disconnected(peer: string): void {
    this.#resendDue = true;
    this.#input(() => this.#core.unreachable(peer));
  }

  /** Resolves when the command is applied here. */
  propose(command: Uint8Array, options: ProposeOptions): Promise<Applied<Result>> {
    if (this.#stopped !== null) {
      return Promise.reject(new Stopped({ outcome: 'not-applied', cause: this.#stopped.cause }));
    }
    const limit = this.#parts.options.maxCommandBytes;
    if (command.byteLength > limit) {
      const received = `${command.byteLength} bytes`;
      return Promise.reject(new InvalidArgument({ field: 'command', expected: `at most ${limit} bytes`, received }));
    }
    const applied = this.#proposals.submit(command, options);
    this.#schedule();
    return applied;
  }

  /** A confirmed bound from whoever leads; waits while nobody does. Rejects with the reason of `signal`. */
  async readIndex(signal: AbortSignal): Promise<Bound> {
    this.assertRunning();
    const asked = this.#bounds.ask(signal, (read) => this.#core.cancelRead(read));
    this.#schedule();
    const bound = await asked;
    const before = this.#confirmed ?? bound;
    this.#confirmed = {
      index: Math.max(bound.index, before.index),
      askedAtMs: Math.max(bound.askedAtMs, before.askedAtMs),
    };
    return bound;
  }

  /** Starts to hand the leadership over to `to`, or to the follower that has most. Throws NotLeader elsewhere. */
  transferLeadership(to: string | undefined): void {
    this.assertRunning();
    const { role, followers } = this.#core.status();
    if (role !== 'leader') throw new NotLeader({ leader: this.leader, outcome: 'not-applied' });
    const target = transferTarget(followers, to);
    if (target !== null) this.#input((now) => this.#core.transferLeadership(target, now));
  }

  /** Ends every read and write under way, and all activity. The log is left to its owner. */
  stop(cause: unknown): void {
    if (this.#stopped !== null) return;
    this.#stopped = { cause };
    this.#ticker.stop();
    this.#applier.stop();
    this.#snapshots.stop();
    this.#restoring?.state.discard();
    this.#restoring = null;
    this.#proposals.stop(cause);
    this.#bounds.stop(cause);
    this.waiters.fail(new Stopped({ cause }));
    this.#noticeLeadership();
  }

  /** After `stop`: resolves when it has no file of a snapshot open. Never rejects. */
  settled(): Promise<void> {
    return this.#snapshots.close();
  }

  #fail(error: Error): void {
    if (this.#stopped !== null) return;
    this.stop(error);
    this.#parts.onFailure(error);
  }

  #now(): Now {
    return { wallMs: this.#parts.clock.wallMs() };
  }

  #input(step: (now: Now) => void): void {
    if (this.#stopped !== null) return;
    try {
      step(this.#now());
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    this.#schedule();
  }

  #tick(delayMs: number): void {
    if (this.#events.loop.wanted) this.#events.loop.publish({ delayMs });
    this.#proposals.retryDeferred();
    this.#input((now) => this.#core.tick(now));
    this.#disk.update(this.#core.status().diskStalledTicks * this.#parts.options.tickMs);
    this.#snapshots.tick();
    if (this.#resendDue) this.#resend();
  }

  /** As soon as there is a leader to send to, and a connection to it. */
  #resend(): void {
    const { leader, term } = this.#core;
    if (leader === null || (leader !== this.#parts.id && !this.#parts.transport.isConnected(leader))) return;
    this.#resendDue = false;
    if (leader === this.#parts.id) return;
    this.#input((now) => this.#proposals.resend(term, (proposals) => this.#core.propose(proposals, now)));
  }

  /** What this turn of the loop brings is handled together, once the sockets have been read. */
  #schedule(): void {
    if (this.#scheduled || this.#stopped !== null) return;
    this.#scheduled = true;
    this.#parts.clock.defer(() => {
      this.#scheduled = false;
      if (this.#stopped !== null) return;
      try {
        this.#turn();
      } catch (error) {
        this.#fail(error as Error);
      }
    });
  }

  #turn(): void {
    const { transport } = this.#parts;
    this.#noticeLeader();
    this.#feed();
    while (this.#stopped === null && this.#core.hasReady()) {
      const ready = this.#core.ready();
      this.#coreEvents.ready(this.#core, ready);
      const { messages, persist, committed, reads, rejected, offers } = ready;
      for (const message of messages) transport.send(message);
      if (persist !== null) this.#persist(persist);
      for (const result of reads) this.#bounds.ended(result);
      for (const refused of rejected) this.#proposals.rejected(refused);
      this.#applier.add(committed);
      // Another one would take the place of what waits for the log. It is offered again.
      if (this.#restoring === null) for (const offer of offers) this.#snapshots.offer(offer);
      this.#noticeLeader();
    }
  }

  /** Writes and bounds that wait go to the core as soon as a leader is known. */
  #feed(): void {
    const { leader, term } = this.#lastLeader;
    if (leader === null) return;
    const now = this.#now();
    if (this.#proposals.hasQueued) {
      this.#proposals.flush(term, (proposals, ifTerm) => this.#core.propose(proposals, now, { ifTerm }));
    }
    if (!this.#bounds.hasWaiting) return;
    this.#bounds.flush((read) => this.#core.readIndex(read, now), this.#parts.clock.monotonicMs());
  }

  #noticeLeader(): void {
    const { leader, term, role } = this.#core;
    if (leader === this.#lastLeader.leader && term === this.#lastLeader.term) return;
    this.#lastLeader = { leader, term };
    this.#parts.logger.info({ role, term, leader }, leader === null ? 'no leader is known' : 'a leader is known');
    this.#coreEvents.leader(this.#core);
    this.#proposals.retryDeferred();
    this.#noticeLeadership();
    this.#parts.onLeader();
    if (leader !== null) this.#schedule();
  }

  #noticeLeadership(): void {
    const { role, term } = this.#core;
    const leads = this.#stopped === null && role === 'leader' && this.#parts.machine.appliedTerm === term ? term : null;
    if (leads === this.#leads) return;
    this.#leads = leads;
    this.#parts.onLeads(leads);
  }

  #persist(persist: Persist): void {
    const durable = persist.mustSync ? this.#parts.log.append(persist) : this.#lastDurable;
    this.#lastDurable = durable;
    this.#undurable += 1;
    durable.then(
      () => this.#persisted(persist),
      (error: Error) => this.#fail(error),
    );
  }

  #persisted({ number, messages, restart }: Persist): void {
    this.#undurable -= 1;
    this.#input((now) => {
      if (restart !== null) this.#swapIn(restart);
      for (const message of messages) this.#parts.transport.send(message);
      this.#core.persisted(number, now);
    });
  }

  /** The state of a snapshot is here: if the log lacks it, the log begins anew behind it, and then readers see it. */
  #restored(start: LogStart, state: RestoredState): void {
    if (this.#stopped !== null || this.#restoring !== null) {
      state.discard();
      return;
    }
    this.#input(() => {
      if (this.#core.restore(start)) this.#restoring = { start, state };
      else state.discard();
    });
  }

  /** The log begins behind the snapshot, durably: nothing else changes the state in the same turn (R7). */
  #swapIn({ index, term }: LogStart): void {
    const restoring = this.#restoring;
    invariant(restoring?.start.index === index, 'a log begins anew behind a state that is there', { index });
    this.#restoring = null;
    restoring.state.swap();
    this.#applier.skipTo(index);
    this.#proposals.skipped(term);
    this.#core.applied(index);
    this.waiters.wake(index);
    this.#parts.logger.info({ index, term }, 'a snapshot was taken over');
    this.#noticeLeadership();
  }

  #onApplied({ entries, results }: AppliedBatch<Result>): void {
    const last = entries.at(-1);
    invariant(last !== undefined && this.#parts.machine.appliedIndex === last.index, 'the state owns its index', {
      applied: this.#parts.machine.appliedIndex,
    });
    this.#core.applied(last.index);
    entries.forEach((entry, i) => {
      this.#proposals.applied(entry, results[i] ?? null);
    });
    this.waiters.wake(last.index);
    // The log does not have them any more when another state is about to take the place of this one.
    if (this.#restoring === null) this.#snapshots.applied(entries);
    this.#noticeLeadership();
    this.#schedule();
  }
}
