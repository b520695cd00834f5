/**
 * The public face of the embedded Raft group: a node that replicates a state machine of yours, takes writes and
 * serves fresh reads, whichever role it has. It wires `node/` and `reads/` together and decides nothing itself.
 */
import { randomBytes } from 'node:crypto';
import { InvalidArgument } from '../../errors/index.js';
import type { LeaderActivity, Logger, SnapshotFile } from '../../node/index.js';
import {
  type Clock,
  Node,
  NodeDisk,
  type NodeParts,
  type NodeStatus,
  openDirectory,
  type ReplicaOptions,
  type ReplicaTuning,
  resolveReplicaOptions,
  type StateMachine,
  silentLogger,
  systemClock,
  TcpTransport,
} from '../../node/index.js';
import { encodeToken, type ReadFunction, type ReadOptions, type ReadResult, StateReader } from '../../reads/index.js';
import { parseAddress } from './addresses.js';
import { RaftEvents } from './raft-events.js';
import { RaftFsm } from './raft-fsm.js';
import { RaftLeader } from './raft-leader.js';

export interface RaftNodeOptions<Command, Result, Tx> extends ReplicaTuning {
  /** The name of this node; never reused with another disk. */
  readonly id: string;
  /** Made when it is missing. Belongs to this node alone. */
  readonly dataDir: string;
  /** Default `quorate`. Nodes of other clusters are refused. */
  readonly cluster?: string | undefined;
  /** The whole initial group, this node included: name to `host:port`. Once formed it only tells addresses. */
  readonly peers: Readonly<Record<string, string>>;
  /** Where to listen for peers, `host:port`. Default: this node's own address in `peers`. */
  readonly listen?: string | undefined;
  /** The HTTP address to advertise to clients, for hints. Default none. */
  readonly url?: string | null | undefined;
  readonly stateMachine: StateMachine<Command, Result, Tx>;
  /** Default silent. A pino logger fits. */
  readonly logger?: Logger | undefined;
}

/** Everything a node touches, in place of what `open` takes from the process. */
export interface RaftNodeParts<Command, Result, Tx> extends Omit<NodeParts<Result>, 'machine'> {
  readonly stateMachine: StateMachine<Command, Result, Tx>;
}

export interface ProposeCallOptions {
  /** The write is dropped with TermChanged, certainly not applied, when it would be applied in another term. */
  readonly ifTerm?: number | undefined;
  /** Default `writeTimeoutMs` of the node. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TransferOptions {
  /** Default two election timeouts. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SnapshotOptions {
  /** How long to wait for it, ms; it goes on after that. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CloseOptions {
  /** How long the disk may take, ms. Default 5,000. */
  readonly timeoutMs?: number | undefined;
}

export interface WriteResult<Result> {
  readonly index: number;
  readonly term: number;
  readonly result: Result;
  /** A `session` read with it sees this write, on any replica. */
  readonly token: string;
}

/** A large state takes long to write, by intent: it leaves the disk to reads and writes. */
const SNAPSHOT_TIMEOUT_MS = 60_000;

export class RaftNode<Command, Result, Tx> {
  /** Reads at every level; `read` is its short form. */
  readonly stateReader: StateReader<Tx>;
  /**
   * Settles when the node has stopped and released everything: null after `close`, otherwise why it stopped by
   * itself; or, with DiskStalled, when the disk has not let it in time.
   */
  readonly stopped: Promise<Error | null>;
  readonly #node: Node<Result>;
  readonly #machine: StateMachine<Command, Result, Tx>;
  readonly #options: ReplicaOptions;
  readonly #events: RaftEvents;

  private constructor(
    node: Node<Result>,
    machine: StateMachine<Command, Result, Tx>,
    options: ReplicaOptions,
    clock: Clock,
  ) {
    this.#node = node;
    this.#machine = machine;
    this.#options = options;
    this.#events = new RaftEvents(node.id, clock);
    this.stopped = node.stopped;
    this.stateReader = new StateReader({
      leader: new RaftLeader(node as Node<unknown>),
      fsm: new RaftFsm(node as Node<unknown>, machine as unknown as StateMachine<never, unknown, Tx>),
      clock,
      observer: this.#events,
      options: {
        timeoutMs: options.readTimeoutMs,
        maxLag: options.maxLag,
        maxWaiting: options.maxWaitingReads,
        requestTimeoutMs: options.electionTimeoutMs,
        maxInFlight: 4,
      },
    });
  }

  /**
   * Opens the directory, recovers the log and starts to listen; formation and elections go on in the background.
   * Throws InvalidArgument, IdentityMismatch, DirectoryLocked, LogDamaged, DiskFailed, or the system's error for a
   * port in use.
   */
  static async open<Command, Result, Tx>(
    raw: RaftNodeOptions<Command, Result, Tx>,
  ): Promise<RaftNode<Command, Result, Tx>> {
    const { id, dataDir, cluster = 'quorate', stateMachine, url = null, logger = silentLogger } = raw;
    const options = resolveReplicaOptions(raw);
    const own = raw.peers[id];
    if (own === undefined) {
      const received = Object.keys(raw.peers).join(', ');
      throw new InvalidArgument({ field: 'peers', expected: `a list that names this node, ${id}`, received });
    }
    const listen = parseAddress('listen', raw.listen ?? own);
    const peers = Object.fromEntries(
      Object.entries(raw.peers).map(([name, address]) => [name, parseAddress(`peers.${name}`, address)]),
    );
    const transport = new TcpTransport({ id, listen, peers, clock: systemClock, random: Math.random, logger });
    const directory = await openDirectory({
      ...{ path: dataDir, id, cluster, logger, randomBytes },
      disk: new NodeDisk(),
      clock: systemClock,
    });
    return RaftNode.start<Command, Result, Tx>({
      ...{ id, cluster, url, directory, transport, logger, options, stateMachine },
      peers: Object.keys(peers),
      bootId: randomBytes(6).readUIntBE(0, 6),
      clock: systemClock,
      random: Math.random,
    });
  }

  /** `open` on parts that are there already: the simulator has its own clock, disk and network. */
  static async start<Command, Result, Tx>(
    parts: RaftNodeParts<Command, Result, Tx>,
  ): Promise<RaftNode<Command, Result, Tx>> {
    const { stateMachine, clock, options } = parts;
    const machine = stateMachine as unknown as StateMachine<never, Result, unknown>;
    return new RaftNode(await Node.open<Result>({ ...parts, machine }), stateMachine, options, clock);
  }

  /**
   * Replicates a command and resolves when it is applied here. Rejects with NoLeader, TermChanged, TransferInProgress,
   * Overloaded, Timeout, Canceled, Stopped; `outcome` says whether it may have been applied all the same.
   */
  propose(command: Command, call: ProposeCallOptions = {}): Promise<WriteResult<Result>> {
    return this.#events.write(this.#propose(command, call));
  }

  async #propose(command: Command, call: ProposeCallOptions): Promise<WriteResult<Result>> {
    const { ifTerm, signal } = call;
    const timeoutMs = checkTimeoutMs(call.timeoutMs ?? this.#options.writeTimeoutMs);
    const applied = await this.#node.propose(this.#machine.codec.encode(command), { ifTerm, timeoutMs, signal });
    return {
      ...applied,
      token: encodeToken({ source: this.#node.clusterId, index: applied.index, term: applied.term }),
    };
  }

  /** Runs `fn` on a view that contains every write acknowledged before this call. See `StateReader.consistentRead`. */
  read<R>(fn: ReadFunction<Tx, R>, options?: ReadOptions): Promise<ReadResult<R>> {
    return this.stateReader.consistentRead(fn, options);
  }

  status(): NodeStatus {
    return this.#node.status(this.stateReader.waiting);
  }

  /**
   * On the leader: hands over to `to`, or to the follower that has most of the log, and resolves when another node
   * leads. Rejects with NotLeader elsewhere, with Timeout when nobody took over.
   */
  async transferLeadership(to?: string, call: TransferOptions = {}): Promise<void> {
    const timeoutMs = checkTimeoutMs(call.timeoutMs ?? 2 * this.#options.electionTimeoutMs);
    await this.#node.transferLeadership(to, { timeoutMs, signal: call.signal });
  }

  /**
   * Writes the state of this node to a snapshot now, whatever has been applied since the last. Resolves when it is
   * durable. Rejects with InvalidArgument for a state machine without `snapshots`, with NoLeader while the cluster
   * forms, with Timeout, Canceled, Stopped or DiskFailed; nothing is cut off the log then.
   */
  async takeSnapshot(call: SnapshotOptions = {}): Promise<{ readonly index: number; readonly term: number }> {
    const { signal, timeoutMs = SNAPSHOT_TIMEOUT_MS } = call;
    return this.#node.takeSnapshot({ signal, timeoutMs: checkTimeoutMs(timeoutMs) });
  }

  /**
   * A backup: takes a snapshot that contains every write acknowledged before this call, whichever node took it, and
   * opens its file, to be read to its end or closed. Rejects as `takeSnapshot` and as reads do.
   */
  async openBackup(call: SnapshotOptions = {}): Promise<SnapshotFile> {
    const { signal } = call;
    const timeoutMs = checkTimeoutMs(call.timeoutMs ?? SNAPSHOT_TIMEOUT_MS);
    const wait = { timeoutMs: Math.min(timeoutMs, this.#options.readTimeoutMs), ...(signal ? { signal } : {}) };
    const { index } = await this.stateReader.waitLeaderCommitIndexApplied(wait);
    return this.#node.openSnapshot(index, { signal, timeoutMs });
  }

  /**
   * Runs what only the leader does: `start` in each term that this node leads, `stop` after it. Another node may lead
   * by the time this one notices: `ifTerm: term` keeps writes of a term that is over from being applied. The function
   * returned ends it and resolves when nothing of it runs; `close` ends it too, and does not wait.
   */
  runOnLeader(activity: LeaderActivity): () => Promise<void> {
    return this.#node.runOnLeader(activity);
  }

  /**
   * Ends every read and write under way, seals the log and releases the directory. Rejects with DiskStalled when the
   * disk does not answer in time: then nothing further is written, and the directory stays locked until the disk has
   * answered or the process has ended. `process.exit()` would wait for the disk: use `process.kill(process.pid,
   * 'SIGKILL')`. The first call decides.
   */
  async close(call: CloseOptions = {}): Promise<void> {
    await this.#node.close(call.timeoutMs === undefined ? undefined : checkTimeoutMs(call.timeoutMs));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function checkTimeoutMs(timeoutMs: number): number {
  if (timeoutMs > 0 && timeoutMs <= 3_600_000) return timeoutMs;
  throw new InvalidArgument({ field: 'timeoutMs', expected: 'above 0 and at most 3,600,000', received: timeoutMs });
}
