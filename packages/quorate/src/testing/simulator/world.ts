/**
 * A cluster in one process under virtual time: one seed decides the plan, every delay, every fault and every client,
 * so that a run that failed can be run again. Everything is synchronous; nothing here may wait, or depend on the real
 * machine.
 */
import { type Configuration, type NodeId, RawNode } from '../../core/index.js';
import { Clients } from './clients.js';
import type { CreateCore } from './core-node.js';
import { Coverage } from './coverage.js';
import { EventQueue } from './event-queue.js';
import { ReadsEndOnce, safetyInvariants } from './invariants/index.js';
import { Ledger } from './ledger.js';
import { Nemesis } from './nemesis.js';
import { Network } from './network.js';
import type { Observer } from './observer.js';
import { drawPlan, type Plan } from './plan.js';
import { Prng } from './prng.js';
import { Recovery } from './recovery.js';
import { SimulatedNode } from './simulated-node.js';
import { Trace } from './trace.js';

export interface WorldOptions {
  /** Any safe integer. */
  readonly seed: number;
  /** Takes the place of parts of the plan that the seed would have drawn. */
  readonly plan?: (drawn: Plan) => Plan;
  /** Makes the cores; for worlds with broken ones. Default: a RawNode. */
  readonly create?: CreateCore;
  /** Keep every line of the trace, not only the last. */
  readonly keepTrace?: boolean;
}

export interface WorldReport {
  readonly plan: Plan;
  /** Hash of everything that happened. */
  readonly hash: string;
  readonly counts: ReadonlyMap<string, number>;
  readonly virtualMs: number;
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
  readonly clients: Clients;
  readonly #seed: number;
  readonly #nemesis: Nemesis;
  readonly #recovery: Recovery;
  readonly #observers: Observer[];

  constructor(options: WorldOptions) {
    const { seed } = options;
    const prng = new Prng(seed);
    this.#seed = seed;
    const drawn = drawPlan(prng.fork());
    const plan = options.plan?.(drawn) ?? drawn;
    this.plan = plan;
    this.trace = new Trace({ keep: options.keepTrace ?? false });
    const record = (line: string) => this.trace.record(this.queue.nowMs, line);
    const count = (name: string) => this.coverage.count(name);
    this.network = this.#createNetwork(prng.fork());
    const configuration = drawConfiguration(plan);
    this.nodes = this.#createNodes(configuration, prng.fork(), options.create ?? ((core) => new RawNode(core)));
    this.ledger = new Ledger(configuration, new Map(this.nodes.map((node) => [node.id, node.log.durable])));
    const shared = { plan, queue: this.queue, network: this.network, nodes: this.nodes, count, record };
    this.clients = new Clients({ ...shared, prng: prng.fork() });
    this.#nemesis = new Nemesis({ ...shared, prng: prng.fork() });
    const { clients, ledger } = this;
    const readsEndOnce = new ReadsEndOnce();
    this.#recovery = new Recovery({ ...shared, prng: prng.fork(), clients, ledger, readsEndOnce });
    this.#observers = [...safetyInvariants(ledger), readsEndOnce, this.coverage, this.#nemesis, this.#recovery];
  }

  /** Runs the faults, then the recovery. Throws a {@link SimulationFailure} when a rule is broken. */
  run(): WorldReport {
    try {
      for (const node of this.nodes) node.start();
      this.clients.start();
      this.#nemesis.start();
      this.queue.runUntil(this.plan.faultsMs);
      this.clients.stop();
      this.#nemesis.stop();
      this.#recovery.run();
    } catch (cause) {
      const { plan, trace } = this;
      throw new SimulationFailure({ seed: this.#seed, plan, trace: trace.lines, virtualMs: this.queue.nowMs }, cause);
    }
    const { plan, coverage } = this;
    return { plan, hash: this.trace.hash, counts: coverage.counts, virtualMs: this.queue.nowMs };
  }

  #createNetwork(prng: Prng): Network {
    const find = (id: NodeId) => this.nodes.find((node) => node.id === id);
    return new Network({
      queue: this.queue,
      prng,
      plan: this.plan.network,
      deliver: (message) => find(message.to)?.receive(message),
      reportLoss: (from, to) => find(from)?.unreachable(to),
      count: (event) => this.coverage.count(`message ${event}`),
    });
  }

  #createNodes(configuration: Configuration, prng: Prng, create: CreateCore): readonly SimulatedNode[] {
    const ids = [...new Set([...configuration.voters, ...configuration.outgoing, ...configuration.learners])].sort();
    return ids.map(
      (id) =>
        new SimulatedNode({
          id,
          plan: this.plan,
          configuration,
          create,
          queue: this.queue,
          prng: prng.fork(),
          trace: this.trace,
          notify: (call) => {
            for (const observer of this.#observers) call(observer);
          },
          send: (message) => this.network.send(message),
        }),
    );
  }
}

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
