/**
 * A node from its opening to its end: its directory and its place on the network first, then the formation of its
 * cluster, then the replica. What fails while it opens is thrown; what fails later ends the node and is told through
 * `stopped`. It must never vote, campaign or acknowledge before its formation is durable (see Identity in the
 * decisions).
 */
import type { LogPosition } from '../core/index.js';
import {
  DiskFailed,
  DiskStalled,
  type LeaderHint,
  NoLeader,
  NotLeader,
  Stopped,
  Timeout,
  unreachable,
} from '../errors/index.js';
import type { Clock } from './clock.js';
import { startDeadline } from './deadline.js';
import type { DiskStatus } from './disk-notice.js';
import { acceptPeer } from './formation.js';
import { FormationAgreement } from './formation-agreement.js';
import { type Beginning, type Formation, type Hello, PROTOCOL_VERSION } from './identity.js';
import { type LeaderActivity, LeaderActivityRunner } from './leader-activity.js';
import type { Logger } from './logger.js';
import type { NodeRole, NodeStatus } from './node-status.js';
import { Peers } from './peers.js';
import type { Applied, ProposeOptions } from './proposals.js';
import { type CreateCore, Replica } from './replica.js';
import type { ReplicaOptions } from './replica-options.js';
import { loadState } from './snapshot/load-state.js';
import type { SnapshotFile } from './snapshot/snapshot-file.js';
import type { Snapshots } from './snapshot/snapshots.js';
import { type SnapshotCall, takeInTime } from './snapshot/take-in-time.js';
import type { StateMachine } from './state-machine/state-machine.js';
import type { LogStorage, RecoveredLog } from './storage/log-storage.js';
import type { Transport } from './transport/transport.js';

/** An opened data directory, locked for this process. */
export interface Directory {
  readonly path: string;
  readonly incarnation: string;
  readonly formation: Formation | null;
  readonly beginning: Beginning | null;
  /** Resolves when the formation is durable. */
  persistFormation(formation: Formation): Promise<void>;
  openLog(formation: Formation): Promise<{ readonly log: LogStorage; readonly recovered: RecoveredLog }>;
  openSnapshots(): Promise<Snapshots>;
  /** Releases the lock. */
  close(): Promise<void>;
}

export interface NodeParts<Result> {
  readonly id: string;
  readonly cluster: string;
  readonly url: string | null;
  /** The names of the whole initial group, this node included. */
  readonly peers: readonly string[];
  /** Random number of this process, 48 bits. */
  readonly bootId: number;
  readonly directory: Directory;
  readonly transport: Transport;
  readonly machine: StateMachine<never, Result, unknown>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly options: ReplicaOptions;
  /** See `ReplicaParts`. */
  readonly createCore?: CreateCore | undefined;
}

type Life<Result> =
  | { readonly state: 'forming'; readonly agreement: FormationAgreement }
  | {
      readonly state: 'running';
      readonly replica: Replica<Result>;
      readonly log: LogStorage;
      readonly formation: Formation;
    }
  | { readonly state: 'stopped'; readonly failure: Error | null };

/** How long the end of a node waits for its disk, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000;

export class Node<Result> {
  /**
   * Settles when the node has stopped and released everything: null after `close`, otherwise why it stopped by
   * itself; or, with DiskStalled, when the disk has not let it in time.
   */
  readonly stopped: Promise<Error | null>;
  readonly #parts: NodeParts<Result>;
  readonly #peers: Peers;
  readonly #settleStopped: (failure: Error | null) => void;
  /** Called when the node starts to run or stops: for those who wait for it. */
  readonly #watchers = new Set<() => void>();
  readonly #activities = new Set<LeaderActivityRunner>();
  #life: Life<Result>;
  /** The term that this node leads, once it has applied an entry of it. */
  #leads: number | null = null;
  #ending: Promise<void> | null = null;
  readonly #lifetime = new AbortController();
  /** Settles when what is under way to make this node run has come to its end. */
  #starting: Promise<void> | null = null;

  private constructor(parts: NodeParts<Result>) {
    this.#parts = parts;
    this.#peers = new Peers({ id: parts.id, url: parts.url });
    this.#life = { state: 'forming', agreement: new FormationAgreement(this.#hello(null)) };
    let settle: (failure: Error | null) => void = () => {};
    this.stopped = new Promise((resolve) => {
      settle = resolve;
    });
    this.#settleStopped = settle;
  }

  /** Rejects, having released everything, when the log is damaged or the port is taken. */
  static async open<Result>(parts: NodeParts<Result>): Promise<Node<Result>> {
    const node = new Node(parts);
    try {
      const { formation } = parts.directory;
      if (formation !== null) await node.#run(formation);
      await parts.transport.open(node.#hello(formation), {
        accept: (hello) => node.#accept(hello),
        hello: (hello) => node.#heardFrom(hello),
        message: (message) => {
          if (node.#life.state === 'running') node.#life.replica.receive(message);
        },
        disconnected: (peer) => {
          if (node.#life.state === 'running') node.#life.replica.disconnected(peer);
        },
      });
      node.#completeFormation();
      return node;
    } catch (error) {
      const life = node.#life;
      await node.#stopFor(error as Error);
      // A disk that failed meanwhile is the reason for whatever failed after it.
      throw (life.state === 'stopped' ? life.failure : null) ?? error;
    }
  }

  get id(): string {
    return this.#parts.id;
  }

  /** The cluster id; empty until the formation is complete, when there is nothing to read either. */
  get clusterId(): string {
    return this.#formation?.clusterId ?? '';
  }

  get leader(): LeaderHint | null {
    return this.#life.state === 'running' ? this.#life.replica.leader : null;
  }

  get role(): NodeRole {
    if (this.#life.state === 'running') return this.#life.replica.role;
    return this.#life.state;
  }

  /** The replica, null while the cluster forms. Throws Stopped. */
  get running(): Replica<Result> | null {
    if (this.#life.state === 'stopped') throw new Stopped({ cause: this.#life.failure });
    return this.#life.state === 'running' ? this.#life.replica : null;
  }

  /** The replica, once the formation is complete. Rejects with Stopped, or the reason of `signal`. */
  async replica(signal: AbortSignal): Promise<Replica<Result>> {
    for (;;) {
      const { running } = this;
      if (running !== null) return running;
      await this.#nextChange(signal);
    }
  }

  /** Resolves when the command is applied here; waits for the formation, too, within the deadline. */
  async propose(command: Uint8Array, options: ProposeOptions): Promise<Applied<Result>> {
    const { clock } = this.#parts;
    const { signal, timeoutMs } = options;
    const startedMs = clock.monotonicMs();
    const error = { outcome: 'not-applied' } as const;
    if (this.#life.state === 'forming') {
      const deadline = startDeadline(clock, { timeoutMs, signal, overdue: () => new NoLeader(error), error });
      try {
        while (this.#life.state === 'forming') await this.#nextChange(deadline.signal);
      } finally {
        deadline.end();
      }
    }
    if (this.#life.state === 'stopped') throw new Stopped({ ...error, cause: this.#life.failure });
    const remainingMs = Math.max(1, timeoutMs - (clock.monotonicMs() - startedMs));
    return this.#life.replica.propose(command, { ...options, timeoutMs: remainingMs });
  }

  /**
   * On the leader: hands over to `to`, or to the follower that has most of the log; resolves when another node leads.
   * Rejects with NotLeader elsewhere, and with Timeout when nobody took over.
   */
  async transferLeadership(
    to: string | undefined,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    if (this.#life.state !== 'running') throw new NotLeader({ outcome: 'not-applied' });
    const { replica } = this.#life;
    replica.transferLeadership(to);
    const overdue = () => new Timeout({ stage: 'transfer', timeoutMs }, { leader: this.leader });
    const deadline = startDeadline(this.#parts.clock, { timeoutMs, signal, overdue });
    try {
      while (this.#life.state === 'running' && (this.leader === null || this.leader.id === this.id)) {
        await this.#nextChange(deadline.signal);
      }
    } finally {
      deadline.end();
    }
    // In case that it stopped meanwhile.
    replica.assertRunning();
  }

  /** Takes a snapshot of the state of this node. See `RaftNode`. */
  takeSnapshot(call: SnapshotCall): Promise<LogPosition> {
    return this.#snapshot(call, (replica) => replica.takeSnapshot());
  }

  /** A snapshot of a state at `index` or later, as a file, which the caller closes. See `RaftNode`. */
  openSnapshot(index: number, call: SnapshotCall): Promise<SnapshotFile> {
    return this.#snapshot(
      call,
      (replica) => replica.openSnapshot(index),
      (file) => file.close(),
    );
  }

  async #snapshot<R>(
    call: SnapshotCall,
    take: (replica: Replica<Result>) => Promise<R>,
    tooLate?: (taken: R) => Promise<void>,
  ): Promise<R> {
    const error = { outcome: 'not-applied' } as const;
    if (this.#life.state === 'forming') throw new NoLeader(error);
    if (this.#life.state === 'stopped') throw new Stopped({ ...error, cause: this.#life.failure });
    const { replica } = this.#life;
    return takeInTime(this.#parts.clock, call, { take: () => take(replica), tooLate });
  }

  /** Runs the activity in each term that this node leads, until the function returned is called. See there. */
  runOnLeader(activity: LeaderActivity): () => Promise<void> {
    const runner = new LeaderActivityRunner(activity, this.#parts.logger);
    this.#activities.add(runner);
    runner.leads(this.#leads);
    return () => {
      this.#activities.delete(runner);
      runner.leads(null);
      return runner.settled();
    };
  }

  #led(term: number | null): void {
    this.#leads = term;
    for (const runner of [...this.#activities]) runner.leads(term);
  }

  /** Settles when the node starts to run, or stops, or when its leader changes. */
  #nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const end = () => {
        this.#watchers.delete(onChange);
        signal.removeEventListener('abort', onAbort);
      };
      const onChange = () => {
        end();
        resolve();
      };
      const onAbort = () => {
        end();
        reject(signal.reason);
      };
      this.#watchers.add(onChange);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** `reads`: how many wait in the reader, of which this room knows nothing. */
  status(reads: number): NodeStatus {
    const { id, cluster, machine, peers, transport } = this.#parts;
    const life = this.#life;
    const core = life.state === 'running' ? life.replica.status() : null;
    const names = this.#formation?.members.map((member) => member.id) ?? [...peers].sort();
    return {
      id,
      role: core?.role ?? (life.state === 'stopped' ? 'stopped' : 'forming'),
      term: core?.term ?? 0,
      leader: this.leader,
      commit: core?.commit ?? 0,
      applied: machine.appliedIndex,
      lastIndex: core?.lastIndex ?? 0,
      firstIndex: core === null ? 0 : core.start + 1,
      snapshots: core?.snapshots ?? { index: null, count: 0, bytes: 0 },
      lag: core?.lag ?? null,
      rounds: core?.rounds ?? 0,
      waiting: core?.waiting ?? 0,
      queues: { reads, ...(core?.queues ?? { writes: 0, log: 0, apply: 0 }) },
      cluster,
      clusterId: this.#formation?.clusterId ?? null,
      members: this.#peers.status(names, (peer) => transport.isConnected(peer)),
      protocolVersion: PROTOCOL_VERSION,
      disk: core?.disk ?? (life.state === 'stopped' ? diskAfter(life.failure) : null),
      failure: life.state === 'stopped' && life.failure !== null ? { message: life.failure.message } : null,
    };
  }

  /**
   * Ends every read and write under way, seals the log and releases the directory. Rejects with DiskStalled when the
   * disk has not let it within `timeoutMs`, by default 5,000: see {@link #releaseInTime}.
   */
  close(timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> {
    return this.#end(null, timeoutMs);
  }

  get #formation(): Formation | null {
    return this.#life.state === 'running' ? this.#life.formation : this.#parts.directory.formation;
  }

  #hello(formation: Formation | null): Hello {
    const { cluster, id, directory, bootId, url, peers } = this.#parts;
    const { incarnation, beginning } = directory;
    const disk = { incarnation, formation, beginning };
    return { version: PROTOCOL_VERSION, cluster, id, ...disk, bootId, url, peers: [...peers].sort() };
  }

  #accept(hello: Hello): string | null {
    return acceptPeer(this.#hello(this.#life.state === 'running' ? this.#life.formation : null), hello);
  }

  #heardFrom(hello: Hello): void {
    if (this.#accept(hello) === null) this.#peers.heardFrom(hello);
    if (this.#life.state !== 'forming') return;
    this.#life.agreement.receive(hello);
    this.#completeFormation();
  }

  #completeFormation(): void {
    if (this.#life.state !== 'forming' || this.#starting !== null) return;
    const { state } = this.#life.agreement;
    switch (state.name) {
      case 'waiting':
        return;
      case 'refused':
        this.#fail(state.error);
        return;
      case 'formed':
        this.#starting = this.#form(state.formation).catch((error: Error) => this.#fail(error));
        return;
      default:
        unreachable(state);
    }
  }

  async #form(formation: Formation): Promise<void> {
    await this.#parts.directory.persistFormation(formation);
    await this.#run(formation);
    if (this.#ending !== null) return;
    this.#parts.logger.info({ clusterId: formation.clusterId }, 'the cluster is formed');
    this.#parts.transport.announce(this.#hello(formation));
  }

  async #run(formation: Formation): Promise<void> {
    const { id, bootId, directory, machine, transport, clock, random, logger, options, createCore } = this.#parts;
    const { log, recovered } = await directory.openLog(formation);
    let snapshots: Snapshots;
    let newestSnapshot: LogPosition | null;
    try {
      snapshots = await directory.openSnapshots();
      newestSnapshot = await loadState({ recovered, snapshots, machine, logger, signal: this.#lifetime.signal });
    } catch (error) {
      await log.close();
      throw error;
    }
    if (this.#ending !== null) {
      await log.close();
      return;
    }
    const replicaParts = {
      ...{ id, bootId, formation, log, recovered, machine, transport, clock, random, logger, options, createCore },
      ...{ snapshots, newestSnapshot },
      peers: this.#peers,
      onLeader: () => this.#notify(),
      onLeads: (term: number | null) => this.#led(term),
      onFailure: (error: Error) => this.#fail(error),
    };
    let replica: Replica<Result>;
    try {
      replica = new Replica(replicaParts);
    } catch (error) {
      await log.close();
      throw error;
    }
    this.#become({ state: 'running', replica, log, formation });
    replica.start();
  }

  #fail(error: Error): void {
    if (this.#ending !== null) return;
    this.#parts.logger.error({ error: error.message }, 'the node stops');
    void this.#stopFor(error);
  }

  /** The failure is what is told; what goes wrong at the end of it is logged. */
  async #stopFor(failure: Error): Promise<void> {
    try {
      await this.#end(failure);
    } catch (cause) {
      const error = cause instanceof Error ? cause.message : String(cause);
      this.#parts.logger.error({ error }, 'the node could not release everything');
    }
  }

  #end(failure: Error | null, timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> {
    if (this.#ending !== null) return this.#ending;
    let begun: (released: Promise<void>) => void = () => {};
    const ending = new Promise<void>((resolve) => {
      begun = resolve;
    });
    // Before anything is told of it: whoever is told may end the node again.
    this.#ending = ending;
    begun(this.#releaseInTime(failure, timeoutMs));
    return ending;
  }

  /**
   * A write that hangs cannot be cancelled. When the time is over nothing further is written, and the caller is told;
   * but the directory stays locked until the disk has answered, or this process is gone: what is under way may still
   * land, and nobody may build on the directory before it has.
   */
  async #releaseInTime(failure: Error | null, timeoutMs: number): Promise<void> {
    const { clock, directory, logger } = this.#parts;
    const life = this.#life;
    this.#become({ state: 'stopped', failure });
    this.#lifetime.abort(new Stopped({ cause: failure }));
    if (life.state === 'running') life.replica.stop(failure);
    const released = this.#release(life, failure);
    let stalled: DiskStalled | null = null;
    const tooLate = new Promise<never>((_, reject) => {
      const timer = clock.setTimer(timeoutMs, () => {
        stalled = stalledAtClose(directory.path, timeoutMs);
        if (life.state === 'running') life.log.abandon(stalled);
        reject(stalled);
      });
      const end = () => timer.cancel();
      released.then(end, end);
    });
    try {
      await Promise.race([released, tooLate]);
    } catch (error) {
      if (error !== stalled) throw error;
      const done = () => logger.info({ directory: directory.path }, 'the disk has answered: the directory is released');
      released.then(done, done);
      throw error;
    } finally {
      this.#settleStopped(failure ?? stalled);
    }
  }

  /** Settles when everything is released, however long the disk takes. */
  async #release(life: Life<Result>, failure: Error | null): Promise<void> {
    const { transport, directory } = this.#parts;
    try {
      await this.#starting;
      const disk = life.state === 'running' ? [life.log.close(), life.replica.settled()] : [];
      const results = await Promise.allSettled([...disk, transport.close()]);
      const failed = results.find((result) => result.status === 'rejected');
      // After a failure the log can only say once more that it failed.
      if (failed !== undefined && failure === null) throw failed.reason;
    } finally {
      await directory.close();
    }
  }

  /** The one place where a node's life changes. */
  #become(life: Life<Result>): void {
    this.#life = life;
    this.#notify();
  }

  #notify(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

function diskAfter(failure: Error | null): DiskStatus | null {
  return failure instanceof DiskFailed ? { state: 'failed', message: failure.message } : null;
}

function stalledAtClose(path: string, timeoutMs: number): DiskStalled {
  return new DiskStalled(
    `the disk of ${path} has not answered for ${timeoutMs} ms, so that the directory stays locked: end this process, ` +
      'see what holds up the disk, and start the node again',
    { stalledMs: timeoutMs },
  );
}
