/**
 * A cluster in one process under virtual time: one seed decides the plan, every delay, every fault and every client,
 * so that a run that failed can be run again. Nothing here may wait for anything but the promises of the nodes
 * themselves, or depend on the real machine.
 */
import { type Configuration, type CoreStatus, type Entry, members, type NodeId, RawNode } from '../../core/index.js';
import { DiskFailed, LogDamaged } from '../../errors/index.js';
import type { CreateCore } from '../../node/index.js';
import type { Application } from './application.js';
import { checkAtRest, checkConvergence } from './at-rest.js';
import type { CreateReader } from './client-node.js';
import { Coverage } from './coverage.js';
import { EventQueue } from './event-queue.js';
import { ReadsEndOnce, safetyInvariants, Violation } from './invariants/index.js';
import { Ledger } from './ledger.js';
import { Nemesis } from './nemesis.js';
import { Network } from './network.js';
import { type Notify, notifierOf, type ObservedNode, type Observer } from './observer.js';
import { Operations } from './operations.js';
import { drawPlan, electionTimeoutMs, type Plan } from './plan.js';
import { Prng } from './prng.js';
import { Recovery } from './recovery.js';
import { RegisterApplication } from './register-application.js';
import { checkReplay } from './replay.js';
import { SimulatedNode } from './simulated-node.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { SimulatedTransport } from './simulated-transport.js';
import { StatusJudge } from './status-judge.js';
import { Trace } from './trace.js';
import { Workload } from './workload.js';

export interface WorldOptions {
  /** Any safe integer. */
  readonly seed: number;
  /** Takes the place of parts of the plan that the seed would have drawn. */
  readonly plan?: (drawn: Plan) => Plan;
  /** Makes the cores; for worlds with broken ones. Default: a RawNode. */
  readonly create?: CreateCore;
  /** Makes what clients read with, for worlds that try another reader. Default: that of the RaftNode. */
  readonly createReader?: CreateReader<unknown, unknown, unknown>;
  /** What is replicated, and what its clients do. Default: keys with values, put and compare-and-set. */
  readonly application?: () => Application;
  /** Keep every line of the trace, not only the last. */
  readonly keepTrace?: boolean;
}

export interface WorldReport {
  readonly plan: Plan;
  /** Hash of everything that happened. */
  readonly hash: string;
  readonly counts: ReadonlyMap<string, number>;
  readonly virtualMs: number;
  /** How many events there were. */
  readonly events: number;
}

/** A run failed. `cause` is the broken rule; the message names the seed that shows it again. */
export class SimulationFailure extends Error {
  readonly seed: number;
  readonly plan: Plan;
  /** The end of the trace, or all of it when it was kept. */
  readonly trace: readonly string[];

  constructor(fields: { seed: number; plan: Plan; trace: readonly string[]; virtualMs: number }, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`seed ${fields.seed} after ${fields.virtualMs.toFixed(0)} virtual ms: ${reason}`, { cause });
    this.name = 'SimulationFailure';
    this.seed = fields.seed;
    this.plan = fields.plan;
    this.trace = fields.trace;
  }
}

export class World {
  readonly plan: Plan;
  readonly nodes: readonly SimulatedNode[];
  readonly network: Network;
  readonly queue = new EventQueue();
  readonly ledger: Ledger;
  readonly coverage = new Coverage();
  readonly trace: Trace;
  readonly #seed: number;
  readonly #application: Application;
  readonly #operations: Operations<unknown, unknown, unknown>;
  readonly #workload: Workload<unknown, unknown, unknown>;
  readonly #nemesis: Nemesis;
  readonly #recovery: Recovery;
  readonly #prng: Prng;
  readonly #notify: Notify;
  /** Of each node that runs: its status when its last turn was over. */
  readonly #turned = new Map<ObservedNode, CoreStatus>();
  readonly #transports = new Map<NodeId, SimulatedTransport>();
  /** What was broken first; thrown as soon as the event is over, for nodes catch what is thrown in them. */
  #failure: { readonly cause: unknown } | null = null;

  constructor(options: WorldOptions) {
    const { seed } = options;
    const prng = new Prng(seed);
    this.#seed = seed;
    const drawn = drawPlan(prng.fork());
    const plan = options.plan?.(drawn) ?? drawn;
    this.plan = plan;
    this.#application = options.application?.() ?? new RegisterApplication();
    this.trace = new Trace({ keep: options.keepTrace ?? false });
    const record = (line: string) => this.trace.record(this.queue.nowMs, line);
    const count = (name: string) => this.coverage.count(name);
    this.network = this.#createNetwork(prng.fork());
    const configuration = drawConfiguration(plan);
    const committed: Entry[] = [];
    this.nodes = this.#createNodes(configuration, prng.fork(), options, committed);
    const durableLogs = new Map(this.nodes.map((node) => [node.id, node.log.durable]));
    this.ledger = new Ledger(configuration, durableLogs, committed);
    const shared = { plan, queue: this.queue, network: this.network, nodes: this.nodes, count, record };
    const { ledger, nodes } = this;
    const application = this.#application;
    const { clockDrift } = plan.node;
    const statusJudge = new StatusJudge({
      ...{ queue: this.queue, ledger },
      lagWindowMs: electionTimeoutMs(plan) / (1 - clockDrift) + ROUNDING_MS,
    });
    this.#operations = new Operations({
      ...{ application, queue: this.queue, ledger, count, random: prng.fork() },
      statusOf: (id) => nodes.find((node) => node.id === id)?.raft?.status() ?? null,
      maxLag: plan.tuning.maxLag ?? Number.POSITIVE_INFINITY,
      judgeStatus: (status) => statusJudge.judge(status),
      record,
      fail: (cause) => this.#fail(cause),
    });
    const operations = this.#operations;
    this.#workload = new Workload({
      ...{ plan: plan.workload, queue: this.queue, nodes, operations, random: prng.fork() },
    });
    this.#nemesis = new Nemesis({
      ...{ ...shared, prng: prng.fork() },
      isQuorum: (has) => ledger.isQuorum(has),
      write: (node) => operations.write(node, { timeoutMs: 5_000 }),
    });
    const readsEndOnce = new ReadsEndOnce();
    this.#recovery = new Recovery({
      ...{ ...shared, prng: prng.fork(), ledger, readsEndOnce },
      runUntil: (untilMs) => this.#runUntil(untilMs),
      write: (node) => operations.write(node, { timeoutMs: 5_000 }),
      read: (node) => operations.read(node, { level: 'linearizable', timeoutMs: 5_000 }),
    });
    const clients: Observer = {
      onReadEnded: ({ id }, result) => {
        const process = nodes.find((node) => node.id === id)?.process ?? null;
        if (result.ok && process !== null) operations.bounded(process, result.index);
      },
      onClosed: (_node, process) => operations.processClosed(process),
      onCrash: (_node, _underWay, process) => operations.processDied(process),
    };
    const turns: Observer = {
      onTurn: (node, status) => this.#turned.set(node, status),
      onCrash: (node) => this.#turned.delete(node),
    };
    const watchers = [readsEndOnce, this.coverage, this.#nemesis, clients, turns];
    this.#prng = prng.fork();
    this.#notify = notifierOf([...safetyInvariants(ledger), ...watchers]);
  }

  /** Runs the faults, then the recovery. Rejects with a {@link SimulationFailure} when a rule is broken. */
  async run(): Promise<WorldReport> {
    const onUnhandled = (reason: unknown) => this.#fail(reason);
    process.on('unhandledRejection', onUnhandled);
    try {
      await this.#form();
      this.#workload.start();
      this.#nemesis.start();
      await this.#breakThings();
      // Before the recovery, which sees to writes and reads of its own.
      const missing = this.coverage.missing(this.plan);
      this.#workload.stop();
      this.#nemesis.stop();
      const healed = await this.#recovery.run();
      await this.#settle();
      this.#notify('onFullCheck', this.nodes, this.#turned);
      checkAtRest(healed);
      checkConvergence(this.#application, healed);
      await this.#failPower();
      checkReplay({
        application: this.#application,
        ledger: this.ledger,
        operations: this.#operations.all,
        stepLimit: CHECKER_STEPS,
      });
      // Last, for a rule that is broken may well be why.
      if (missing.length > 0) throw new Violation('coverage', 'what was switched on has happened', { missing });
    } catch (cause) {
      const { plan, trace } = this;
      const failure = { seed: this.#seed, plan, trace: trace.lines, virtualMs: this.queue.nowMs };
      throw new SimulationFailure(failure, cause);
    } finally {
      process.off('unhandledRejection', onUnhandled);
    }
    const { plan, coverage } = this;
    const { nowMs: virtualMs, ran: events } = this.queue;
    return { plan, hash: this.trace.hash, counts: coverage.counts, virtualMs, events };
  }

  /**
   * Faults and clients go on for their time, and on until all that was switched on has happened: then with fewer calls,
   * and with fewer faults and a better network where clients get nothing done.
   */
  async #breakThings(): Promise<void> {
    const { plan, queue, coverage } = this;
    const startedMs = queue.nowMs;
    const isOver = () => {
      const passedMs = queue.nowMs - startedMs;
      if (passedMs < plan.faultsMs) return false;
      const isHard = passedMs > 3 * plan.faultsMs && !coverage.hasCalls;
      if (isHard) {
        this.#nemesis.ease();
        this.network.ease();
      }
      if (isHard || coverage.hasCalls) this.#workload.ease();
      return coverage.missing(plan).length === 0 || passedMs >= MOST_TIMES * plan.faultsMs;
    };
    while (!isOver()) {
      await this.#runUntil(queue.nowMs + Math.min(1_000, plan.faultsMs));
      this.#operations.checkOverdue();
    }
  }

  /** What clients have asked for ends; at nodes that are paused it may never do. */
  async #settle(): Promise<void> {
    const endMs = this.queue.nowMs + SETTLE_MS;
    while (this.#operations.open > 0 && this.queue.nowMs < endMs) {
      await this.#runUntil(this.queue.nowMs + 500);
      this.#operations.checkOverdue();
    }
  }

  /** The nodes start with empty disks and form their cluster, undisturbed. */
  async #form(): Promise<void> {
    for (const node of this.nodes) node.start();
    await this.#allOpen('a cluster forms within its bound');
  }

  /** All machines lose their power; what was ever written to their logs is read back, and held against what it was. */
  async #failPower(): Promise<void> {
    this.trace.record(this.queue.nowMs, 'power fails everywhere, and is back');
    for (const node of this.nodes) {
      node.drive.become('none');
      if (node.running) node.crash(this.#prng.pick(['lost', 'kept', 'torn']));
      node.start();
    }
    await this.#allOpen('every node starts again within its bound');
  }

  async #allOpen(message: string): Promise<void> {
    const endMs = this.queue.nowMs + OPENING_TIMEOUTS * electionTimeoutMs(this.plan);
    while (!this.nodes.every((node) => node.status() !== null && node.raft !== null)) {
      const { nowMs } = this.queue;
      if (nowMs > endMs) throw new Violation('liveness', message, { nowMs });
      await this.#runUntil(nowMs + 20);
    }
  }

  #runUntil(untilMs: number): Promise<void> {
    return this.queue.runUntil(untilMs, () => this.#afterEvent());
  }

  #afterEvent(): void {
    const { ran, nowMs } = this.queue;
    if (ran % FULL_CHECK_EVENTS === 0) this.#notify('onFullCheck', this.nodes, this.#turned);
    if (this.#failure !== null) throw this.#failure.cause;
    if (ran > EVENT_LIMIT) throw new Violation('liveness', 'a run comes to an end', { events: ran, nowMs });
  }

  #fail(cause: unknown): void {
    this.#failure ??= { cause };
  }

  #createNetwork(prng: Prng): Network {
    return new Network({
      queue: this.queue,
      prng,
      plan: this.plan.network,
      deliver: (message) => this.#transports.get(message.to)?.deliver(message),
      reportLoss: (from, to) => this.#transports.get(from)?.lost(to),
      count: (event) => this.coverage.count(`message ${event}`),
    });
  }

  #createNodes(
    configuration: Configuration,
    prng: Prng,
    options: WorldOptions,
    committed: readonly Entry[],
  ): readonly SimulatedNode[] {
    const { create = (core) => new RawNode(core), createReader } = options;
    const ids = members(configuration);
    const application = this.#application;
    return ids.map(
      (id) =>
        new SimulatedNode({
          ...{ id, plan: this.plan, configuration, members: ids, create, queue: this.queue, network: this.network },
          committed,
          ...{ transports: this.#transports, prng: prng.fork(), trace: this.trace, createReader },
          createStateMachine: () => application.createStateMachine(),
          notify: (hook, ...happened) => {
            try {
              this.#notify(hook, ...happened);
            } catch (error) {
              this.#fail(error);
            }
          },
          failed: (error) => this.#fail(error),
          exited: (node, error, process) => this.#exited(node, error, process),
        }),
    );
  }

  /** A process ends by itself only for a reason. */
  #exited(node: SimulatedNode, error: unknown, process: SimulatedProcess): void {
    const hasDiskTrouble = error instanceof DiskFailed && node.drive.hasFailed(process);
    const hasDamage = error instanceof LogDamaged && this.#nemesis.hasDamaged(node);
    const hasReason = error === null || hasDiskTrouble || hasDamage;
    this.coverage.count(error === null ? 'stopped' : `ended by ${(error as Error).name}`);
    if (!hasReason) {
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      this.#fail(
        new Violation('nodes keep running', 'a process ends by itself only for a reason', { node: node.id, reason }),
      );
    }
    this.#nemesis.exited(node);
  }
}

/** Election timeouts in which nodes open that nobody disturbs, and form their cluster. */
const OPENING_TIMEOUTS = 120;
/** The faults go on for so many times their time at most. */
const MOST_TIMES = 60;
/** Longer than any operation may take. */
const SETTLE_MS = 12_000;
/** The checker of histories gives up after so many steps, which is not a pass. */
const CHECKER_STEPS = 2_000_000;

/** More than sums of fractions are wrong by. */
const ROUNDING_MS = 2;

/** Between two checks of everything. */
const FULL_CHECK_EVENTS = 1_000;
/** Many times more than any plan needs: whoever gets there goes round in circles. */
const EVENT_LIMIT = 20_000_000;

/** The members: n1, n2, … In a joint configuration the first voter has been replaced by a new node. */
function drawConfiguration({ voters, joint, learners }: Plan): Configuration {
  const name = (number: number): NodeId => `n${number}`;
  const incoming = Array.from({ length: voters }, (_, position) => name(position + 1));
  const outgoing = joint ? [...incoming.slice(1), name(voters + 1)] : [];
  const next = voters + (joint ? 2 : 1);
  return {
    voters: incoming,
    outgoing,
    learners: Array.from({ length: learners }, (_, position) => name(next + position)),
  };
}
