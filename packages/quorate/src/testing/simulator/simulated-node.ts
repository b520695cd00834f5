/**
 * One node of the world: the real node with its reader, on a simulated process, disk and network. It can crash at any
 * point, stop, start again, and be paused like a process under SIGSTOP. It must never help the node along: what it
 * knows of the log serves the invariants alone.
 */
import { basename } from 'node:path';
import type { Configuration, CoreStatus, Entry, Message, NodeId, RawNodeOptions } from '../../core/index.js';
import { RaftNode } from '../../engines/raft/raft-node.js';
import { InvariantViolation, invariant } from '../../errors/index.js';
import {
  type ApplyEntry,
  type CreateCore,
  openDirectory,
  resolveReplicaOptions,
  type StateMachine,
  type StateView,
} from '../../node/index.js';
import type { Directory } from '../../node/node.js';
import { snapshotPosition } from '../../node/snapshot/snapshot-name.js';
import type { ClientReader, CreateReader } from './client-node.js';
import type { EventQueue } from './event-queue.js';
import { Violation } from './invariants/violation.js';
import { describeMessage } from './message-text.js';
import type { Network } from './network.js';
import { ObservedCore } from './observed-core.js';
import { ObservedLog } from './observed-log.js';
import { ObservedStateMachine } from './observed-state-machine.js';
import type { Notify } from './observer.js';
import type { Plan } from './plan.js';
import type { Prng } from './prng.js';
import { SimulatedDisk } from './simulated-disk.js';
import { SimulatedDrive, SLOWEST_MS } from './simulated-drive.js';
import type { CrashMode } from './simulated-file.js';
import { SimulatedLog } from './simulated-log.js';
import { SimulatedProcess } from './simulated-process.js';
import { SimulatedTransport } from './simulated-transport.js';
import { synchronousCompression } from './synchronous-compression.js';
import type { Trace } from './trace.js';
import { traceLogger } from './trace-logger.js';

export interface SimulatedNodeOptions<Command, Result, Tx> {
  /** All entries that are committed, from index 1. */
  readonly committed: readonly Entry[];
  readonly id: NodeId;
  readonly plan: Plan;
  readonly configuration: Configuration;
  readonly members: readonly NodeId[];
  readonly create: CreateCore;
  /** Default: the reader of the RaftNode. */
  readonly createReader?: CreateReader<Command, Result, Tx> | undefined;
  readonly createStateMachine: () => StateMachine<Command, Result, Tx>;
  readonly queue: EventQueue;
  readonly network: Network;
  readonly transports: Map<NodeId, SimulatedTransport>;
  readonly prng: Prng;
  readonly trace: Trace;
  readonly notify: Notify;
  /** A rule was broken, or the harness itself. Ends the run. */
  readonly failed: (error: unknown) => void;
  /** The process has ended by itself: its disk failed, or its log is damaged. */
  readonly exited: (node: SimulatedNode<Command, Result, Tx>, error: unknown, process: SimulatedProcess) => void;
}

/** How a process dies: alone, or with its machine, and what the machine's disk then keeps of what was not synced. */
export type Death = 'killed' | CrashMode;

const PATH = '/data';
/** Longer than the longest pause between two questions of one read. */
export const LINGER_MS = 100;
/** The slowest disk is no stall: what is under way, what waits, and the seal may take as long as it does, each. */
const CLOSE_TIMEOUT_MS = 10 * SLOWEST_MS;

export class SimulatedNode<Command = unknown, Result = unknown, Tx = unknown> {
  readonly id: NodeId;
  readonly log: SimulatedLog;
  /** Fails, delays and damages what the node does on its disk. */
  readonly drive: SimulatedDrive;
  readonly #options: SimulatedNodeOptions<Command, Result, Tx>;
  #disk: SimulatedDisk;
  #machine: StateMachine<Command, Result, Tx>;
  #core: ObservedCore | null = null;
  #process: SimulatedProcess | null = null;
  #transport: SimulatedTransport | null = null;
  #raft: RaftNode<Command, Result, Tx> | null = null;
  #reader: ClientReader<Tx> | null = null;
  #bootId = 0;
  /** Handed out by the core and not applied yet. */
  readonly #committed = new Map<number, Entry>();

  constructor(options: SimulatedNodeOptions<Command, Result, Tx>) {
    this.id = options.id;
    this.#options = options;
    this.log = new SimulatedLog(options.committed);
    const { plan, queue, prng } = options;
    this.drive = new SimulatedDrive({ plan: plan.disk, queue, prng: prng.fork() });
    this.#disk = new SimulatedDisk({ random: () => this.#options.prng.next() });
    this.#machine = options.createStateMachine();
  }

  /** There is a process; it may still be opening. */
  get running(): boolean {
    return this.#process !== null;
  }

  get paused(): boolean {
    return this.#process?.state === 'paused';
  }

  /** The node as its users have it; null while the process is down or still opening. */
  get raft(): RaftNode<Command, Result, Tx> | null {
    return this.#raft;
  }

  /** What clients of this node read with. */
  get reader(): ClientReader<Tx> | null {
    return this.#reader;
  }

  get process(): SimulatedProcess | null {
    return this.#process;
  }

  get disk(): SimulatedDisk {
    return this.#disk;
  }

  /** What readers of this node see. */
  get machine(): StateMachine<Command, Result, Tx> {
    return this.#machine;
  }

  /** The random number of this start (R4). */
  get bootId(): number {
    return this.#bootId;
  }

  /** The core's status; null while there is none. */
  status(): CoreStatus | null {
    return this.#core?.status() ?? null;
  }

  hasDurableSnapshot(index: number): boolean {
    return this.#disk.durableFiles.some((path) => (snapshotPosition(basename(path))?.index ?? -1) >= index);
  }

  start(): void {
    const { plan, prng, queue, network, transports, members } = this.#options;
    invariant(this.#process === null, 'a node is started once', { id: this.id });
    this.#bootId = prng.integer(1, 2 ** 48 - 1);
    const process = new SimulatedProcess({
      queue,
      rate: 1 + prng.between(-plan.node.clockDrift, plan.node.clockDrift),
      clockSkewMs: prng.integer(-plan.node.clockSkewMs, plan.node.clockSkewMs),
      turnMs: () => prng.between(plan.node.turnMs.min, plan.node.turnMs.max),
      prng: prng.fork(),
    });
    this.#process = process;
    this.#disk = this.#disk.kill({ intercept: (operation) => this.drive.perform(operation, process) });
    this.#transport = new SimulatedTransport({
      ...{ id: this.id, peers: members, process, queue, network, prng: prng.fork(), open: transports },
      sent: (message) => this.#sent(message),
    });
    this.#record(`start boot=${this.#bootId}`);
    this.#open(process, this.#transport).then(
      (raft) => this.#opened(raft, process),
      (error: unknown) => this.#exit(process, error),
    );
  }

  async #open(process: SimulatedProcess, transport: SimulatedTransport): Promise<RaftNode<Command, Result, Tx>> {
    const { id, plan, prng, members, trace, queue } = this.#options;
    const random = prng.fork();
    const logger = traceLogger((line) => trace.record(queue.nowMs, `${id} ${line}`));
    const cluster = 'simulated';
    const randomBytes = (length: number) => Uint8Array.from({ length }, () => random.integer(0, 255));
    const directory = await openDirectory({
      ...{ disk: this.#disk, clock: process, logger, path: PATH, id, cluster, randomBytes },
      segmentBytes: plan.disk.segmentBytes,
      compression: synchronousCompression,
    });
    const options = resolveReplicaOptions(plan.tuning);
    return RaftNode.start<Command, Result, Tx>({
      ...{ id, cluster, transport, logger, options, clock: process, bootId: this.#bootId },
      ...{ url: null, peers: members, random: () => random.next() },
      directory: this.#observed(directory),
      stateMachine: new ObservedStateMachine(this.#machine, {
        onApplied: (entries) => this.#applied(entries),
        onRestored: (view) => this.#restored(view),
      }),
      createCore: (core) => this.#createCore(core),
    });
  }

  /** The process dies, in the middle of whatever it does. */
  crash(death: Death): void {
    this.#record(`crash ${death}`);
    if (death !== 'killed') this.#disk = this.#disk.crash(death);
    this.#end();
  }

  /** Ends it in good order. Does nothing while it is opening. */
  stop(): void {
    const process = this.#process;
    if (this.#raft === null || process === null) return;
    this.#record('stop');
    this.#raft.close({ timeoutMs: CLOSE_TIMEOUT_MS }).then(
      // A read between two questions to the leader hears of it when it asks again.
      () => {
        const { heldMs } = process;
        this.#options.queue.schedule(LINGER_MS, () => {
          const couldRun = process.state === 'running' && process.heldMs === heldMs;
          if (this.#process === process && couldRun) this.#options.notify('onClosed', this, process);
          this.#exit(process, null);
        });
      },
      (error: unknown) => this.#exit(process, error),
    );
  }

  pause(): void {
    this.#process?.pause();
    this.#record('pause');
  }

  resume(): void {
    this.#process?.resume();
    this.#record('resume');
  }

  /** Its loop is blocked by something that takes so long. */
  block(durationMs: number): void {
    this.#process?.consume(durationMs);
    this.#record(`blocked for ${durationMs.toFixed(0)} ms`);
  }

  /** Moves the node's wall clock, as a step of NTP does. */
  jumpClock(skewMs: number): void {
    this.#process?.jumpClock(skewMs);
    this.#record(`clock skew=${skewMs}`);
  }

  /** Campaigns out of turn, as if its election timeout were over. */
  campaign(): void {
    const process = this.#process;
    process?.input('test', () => this.#core?.campaign({ wallMs: process.wallMs() }));
  }

  #opened(raft: RaftNode<Command, Result, Tx>, process: SimulatedProcess): void {
    if (this.#process !== process) return;
    const { createReader } = this.#options;
    this.#raft = raft;
    this.#reader = createReader?.({ raft, machine: this.#machine, clock: process }) ?? raft.stateReader;
    this.#record('open');
    void raft.stopped.then((failure) => {
      if (failure !== null) this.#exit(process, failure);
    });
  }

  #exit(process: SimulatedProcess, error: unknown): void {
    if (this.#process !== process) return;
    this.#record(`exit ${error instanceof Error ? `${error.name}: ${error.message}` : ''}`);
    if (error instanceof InvariantViolation) this.#options.failed(error);
    this.#end();
    this.#options.exited(this, error, process);
  }

  #end(): void {
    const { plan, createStateMachine, notify } = this.#options;
    const process = this.#process as SimulatedProcess;
    process.kill();
    this.#transport?.abandon();
    this.#process = null;
    this.#transport = null;
    this.#raft = null;
    this.#reader = null;
    this.#core = null;
    this.#committed.clear();
    if (!plan.node.durableState) this.#machine = createStateMachine();
    notify('onCrash', this, this.log.underWay.length, process);
  }

  #observed(directory: Directory): Directory {
    const { notify } = this.#options;
    return {
      path: directory.path,
      incarnation: directory.incarnation,
      beginning: directory.beginning,
      get formation() {
        return directory.formation;
      },
      persistFormation: (formation) => directory.persistFormation(formation),
      openSnapshots: () => directory.openSnapshots(),
      close: () => directory.close(),
      openLog: async (formation) => {
        const { log, recovered } = await directory.openLog(formation);
        const durableIndex = this.log.durable.lastIndex;
        const lastIndex = recovered.start.index + recovered.entries.length;
        const lost = this.log.recover(recovered);
        if (lost === null) {
          const { hardState, start } = recovered;
          const found = { node: this.id, hardState, start, lastIndex, durableIndex };
          this.#options.failed(new Violation('durable means durable', 'the log has what it acknowledged (R12)', found));
        }
        const { appliedIndex: applied } = this.#machine;
        this.#record(`recovered start=${recovered.start.index} last=${lastIndex} lost=${lost} applied=${applied}`);
        return { log: new ObservedLog({ log, node: this, notify }), recovered };
      },
    };
  }

  #createCore(options: RawNodeOptions): ObservedCore {
    const { configuration, create, plan, notify } = this.#options;
    const core = create({ ...options, ...plan.limits, configuration });
    const record = (line: string) => this.#record(line);
    const received = (message: Message) => this.#recordMessage('arrived', message);
    this.#core = new ObservedCore({ core, node: this, notify, record, received });
    notify('onStart', this);
    return this.#core;
  }

  /** Called by the core's observer for what it handed out. */
  committed(entry: Entry): void {
    this.#committed.set(entry.index, entry);
  }

  #restored({ appliedIndex: index, appliedTerm: term }: StateView): void {
    for (const skipped of this.#committed.keys()) if (skipped <= index) this.#committed.delete(skipped);
    this.#record(`restored ${index}/${term}`);
    // Before the core is made, what is restored is what it begins with.
    if (this.#core !== null) this.#options.notify('onRestored', this, { index, term });
  }

  #applied(entries: readonly ApplyEntry[]): void {
    const { plan, prng, notify } = this.#options;
    for (const applied of entries) {
      const { index } = applied;
      const entry = this.#committed.get(index);
      invariant(entry !== undefined, 'only what was handed out is applied', { id: this.id, index });
      this.#committed.delete(index);
      if (!isOf(applied, entry)) {
        const context = { node: this.id, index, term: applied.term, timestampMs: applied.timestampMs };
        this.#options.failed(new Violation('state machine safety', 'what is applied is what was committed', context));
      }
      notify('onApplied', this, entry);
    }
    this.#record(`applied ${this.#machine.appliedIndex}`);
    const { min, max } = plan.node.applyMs;
    if (max > 0) this.#process?.consume(entries.length * prng.between(min, max));
  }

  #sent(message: Message): void {
    this.#recordMessage('sent', message);
    if (message.from !== this.id || message.to === this.id) {
      const { from, to } = message;
      const context = { node: this.id, from, to, message: describeMessage(message) };
      this.#options.failed(new Violation('addresses', 'a node sends in its own name, to others', context));
    }
    this.#options.notify('onSend', this, message);
  }

  #record(line: string): void {
    const { trace, queue } = this.#options;
    trace.record(queue.nowMs, `${this.id} ${line}`);
  }

  #recordMessage(happened: 'sent' | 'arrived', message: Message): void {
    const { trace, queue } = this.#options;
    trace.recordMessage(queue.nowMs, happened, message);
  }
}

/** What a state machine is given of an entry. */
function isOf({ index, term, timestampMs, command }: ApplyEntry, entry: Entry): boolean {
  const data = entry.kind === 'command' ? entry.data : null;
  const isSame = data === null || command === null ? data === command : Buffer.compare(data, command) === 0;
  return isSame && index === entry.index && term === entry.term && timestampMs === entry.timestampMs;
}
