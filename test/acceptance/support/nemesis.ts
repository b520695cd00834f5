/**
 * Carries out a fault plan: two lanes, for processes and for the network, each with one fault after the other. A fault
 * counts only when it took effect, and after each fault of a process writes must be acknowledged again.
 */
import type { Prng } from '../../../packages/quorate/src/testing/simulator/prng.js';
import type { ServerCluster, ServerProcess } from '../../support/server-cluster.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { eventually } from '../../support/wait.js';
import { type Fault, type FaultKind, faultPlan, networkFaults, processFaults } from './fault-plan.js';
import { NetworkFaults } from './network-faults.js';
import { ProcessFaults } from './process-faults.js';
import { rest } from './rest.js';

export interface NemesisOptions {
  readonly cluster: ServerCluster;
  readonly proxy: TcpProxy;
  readonly random: Prng;
  readonly kinds: readonly FaultKind[];
  readonly maxHoldMs: number;
  /** How many writes were acknowledged so far. */
  readonly acknowledged: () => number;
  readonly progress: (text: string) => void;
}

/** A fault as it was carried out. */
export interface FaultRecord {
  /** Since the start, in milliseconds. */
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly victims: readonly string[];
  readonly tookEffect: boolean;
  readonly fault: Fault;
}

/** How much longer than it was told a lane goes on for a kind that has not taken effect yet. */
const EXTRA_MS = 60_000;
const RECOVERY_MS = 30_000;

export class Nemesis {
  readonly violations: string[] = [];
  readonly records: FaultRecord[] = [];
  readonly #options: NemesisOptions;
  readonly #processes: ProcessFaults;
  readonly #network: NetworkFaults;
  readonly #startedAt = performance.now();

  constructor(options: NemesisOptions) {
    this.#options = options;
    this.#processes = new ProcessFaults(options.cluster, (violation) => this.violations.push(violation));
    this.#network = new NetworkFaults(options.cluster, options.proxy);
  }

  /** Faults by kind: those that took effect, or those that did not. */
  counts(tookEffect: boolean): Readonly<Record<string, number>> {
    const count = (kind: FaultKind) =>
      this.records.filter((record) => record.kind === kind && record.tookEffect === tookEffect).length;
    return Object.fromEntries(this.#options.kinds.map((kind) => [kind, count(kind)]));
  }

  /** Goes on for `durationMs`, and longer until every kind took effect; all is healed when it resolves. */
  async run(durationMs: number, signal: AbortSignal): Promise<void> {
    const { kinds, random, maxHoldMs, cluster } = this.#options;
    const inProcesses = processFaults.filter((kind) => kinds.includes(kind));
    const inNetwork = networkFaults.filter((kind) => kinds.includes(kind));
    const plan = { nodes: cluster.nodes.length, maxHoldMs };
    // One lane that fails ends the other.
    const failure = new AbortController();
    const either = AbortSignal.any([signal, failure.signal]);
    const lanes = [
      this.#lane(inProcesses, faultPlan(inProcesses, { ...plan, random: random.fork() }), durationMs, either, (fault) =>
        this.#process(fault, either),
      ),
      this.#lane(inNetwork, faultPlan(inNetwork, { ...plan, random: random.fork() }), durationMs, either, (fault) =>
        this.#applied(fault, (victims) => this.#network.apply(fault, victims, either)),
      ),
    ];
    for (const lane of lanes) lane.catch((error: unknown) => failure.abort(error));
    const ends = await Promise.allSettled(lanes);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  /** From now on a process may end. */
  stopWatching(): void {
    this.#processes.stopWatching();
  }

  async #lane<Kind extends FaultKind>(
    kinds: readonly Kind[],
    plan: Generator<Fault<Kind>>,
    durationMs: number,
    signal: AbortSignal,
    carryOut: (fault: Fault<Kind>) => Promise<void>,
  ): Promise<void> {
    const until = performance.now() + durationMs;
    const mustGoOn = () => {
      const late = performance.now() - until;
      return late < 0 || (late < EXTRA_MS && kinds.some((kind) => this.counts(true)[kind] === 0));
    };
    for (const fault of plan) {
      await rest(fault.quietMs, signal);
      if (signal.aborted || !mustGoOn()) return;
      await carryOut(fault);
    }
  }

  async #process(fault: Fault<(typeof processFaults)[number]>, signal: AbortSignal): Promise<void> {
    await this.#applied(fault, (victims) => this.#processes.apply(fault, victims, signal));
    const before = this.#options.acknowledged();
    await eventually(
      `a write to be acknowledged after ${fault.kind}`,
      () => signal.aborted || this.#options.acknowledged() > before,
      { timeoutMs: RECOVERY_MS },
    );
  }

  async #applied(fault: Fault, apply: (victims: readonly ServerProcess[]) => Promise<boolean>): Promise<void> {
    const nodes = await this.#ordered(fault);
    const victims = nodes.slice(0, fault.victims);
    const names = victims.map(({ id }) => id);
    const atMs = Math.round(performance.now() - this.#startedAt);
    const tookEffect = await apply(victims);
    this.records.push({ atMs, kind: fault.kind, victims: names, tookEffect, fault });
    const seconds = (performance.now() - this.#startedAt - atMs) / 1_000;
    const effect = tookEffect ? '' : ', without effect';
    this.#options.progress(
      `${(atMs / 1_000).toFixed(1)} s: ${fault.kind} ${names.join(', ')} for ${seconds.toFixed(1)} s${effect}`,
    );
  }

  async #ordered({ order, leader }: Fault): Promise<readonly ServerProcess[]> {
    const { cluster } = this.#options;
    const nodes = order.map((place) => cluster.nodes[place] as ServerProcess);
    if (leader === 'anywhere') return nodes;
    const leading = await cluster.leader();
    const others = nodes.filter((node) => node !== leading);
    return leader === 'first' ? [leading, ...others] : [...others, leading];
  }
}
