/**
 * The second half of a run: a quorum is healed, and the others do their worst. Within a bound there must be a leader,
 * every write and read at a healed node must succeed, and all their logs become the same; after that nobody may
 * disturb the leader.
 */
import type { Entry, NodeId, ReadResult } from '../../core/index.js';
import type { Clients } from './clients.js';
import type { EventQueue } from './event-queue.js';
import type { ReadsEndOnce } from './invariants/index.js';
import { Violation } from './invariants/index.js';
import type { Ledger } from './ledger.js';
import type { Direction, Network } from './network.js';
import type { Observer } from './observer.js';
import type { Plan } from './plan.js';
import type { Prng } from './prng.js';
import type { SimulatedNode } from './simulated-node.js';

export interface RecoveryOptions {
  readonly plan: Plan;
  readonly prng: Prng;
  readonly queue: EventQueue;
  readonly network: Network;
  readonly nodes: readonly SimulatedNode[];
  readonly clients: Clients;
  readonly ledger: Ledger;
  readonly readsEndOnce: ReadsEndOnce;
  readonly record: (line: string) => void;
}

const RULE = 'liveness';
/** Virtual time in which a healed quorum must get on: elect, commit, apply or answer something more. */
const PROGRESS_MS = 10_000;
/** Virtual time in which it must have worked off everything. */
const BOUND_MS = 120_000;
/** Virtual time in which nothing may change any more, thereafter. */
const CALM_MS = 3_000;
const STEP_MS = 50;
/** A write is proposed anew when nothing was heard of it for so long: what was lost on its way stays unknown. */
const PATIENCE_MS = 2_000;

interface Probe {
  readonly node: SimulatedNode;
  write: { sequence: number; sinceMs: number } | null;
  writeDone: boolean;
  read: number | null;
  readDone: boolean;
}

export class Recovery implements Observer {
  readonly #options: RecoveryOptions;
  #probes: Probe[] = [];

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  onApplied(node: SimulatedNode, { proposal }: Entry): void {
    for (const probe of this.#probes) {
      if (probe.node === node && proposal?.sequence === probe.write?.sequence) probe.writeDone ||= probe.write !== null;
    }
  }

  onRejected(node: SimulatedNode): void {
    for (const probe of this.#probes) if (probe.node === node) probe.write = null;
  }

  onReadEnded(node: SimulatedNode, result: ReadResult): void {
    for (const probe of this.#probes)
      if (probe.node === node && probe.read === result.read && !result.ok) probe.read = null;
  }

  onReadServed(_node: SimulatedNode, read: number): void {
    for (const probe of this.#probes) if (probe.read === read) probe.readDone = true;
  }

  /** Heals and checks; throws a Violation when the cluster does not come back. Returns the healed nodes. */
  run(): readonly SimulatedNode[] {
    const { queue, record } = this.#options;
    const healed = this.#heal();
    this.#probes = healed.map((node) => ({ node, write: null, writeDone: false, read: null, readDone: false }));
    const startedMs = queue.nowMs;
    let progress = { amount: -1, sinceMs: startedMs };
    while (!this.#isDone(healed)) {
      const amount = this.#progress(healed);
      if (amount > progress.amount) progress = { amount, sinceMs: queue.nowMs };
      const isStuck = queue.nowMs - progress.sinceMs > PROGRESS_MS;
      if (isStuck || queue.nowMs - startedMs > BOUND_MS) this.#fail(healed);
      for (const probe of this.#probes) this.#ask(probe);
      queue.runUntil(queue.nowMs + STEP_MS);
    }
    record(`recovered after ${(queue.nowMs - startedMs).toFixed(0)} ms`);
    const before = termAndLeader(healed);
    queue.runUntil(queue.nowMs + CALM_MS);
    const after = termAndLeader(healed);
    if (before !== after) throw new Violation(RULE, 'nobody disturbs the leader of a healed quorum', { before, after });
    return healed;
  }

  #heal(): readonly SimulatedNode[] {
    const { nodes, network, plan, record } = this.#options;
    const healedIds = plan.outsiders === 'none' ? new Set(nodes.map(({ id }) => id)) : this.#drawQuorum();
    const healed = nodes.filter(({ id }) => healedIds.has(id));
    const others = nodes.filter(({ id }) => !healedIds.has(id));
    record(`heal ${[...healedIds].join()}, others ${plan.outsiders}`);
    network.calm();
    for (const node of healed) {
      if (!node.running) node.start();
      if (node.paused) node.resume();
    }
    for (const node of others) this.#exclude(node, healed);
    return healed;
  }

  /** A smallest set of members that is a quorum, drawn at random. */
  #drawQuorum(): ReadonlySet<NodeId> {
    const { nodes, ledger, prng } = this.#options;
    const chosen = new Set<NodeId>();
    for (const { id } of prng.shuffle(nodes)) {
      if (ledger.isQuorum((member) => chosen.has(member))) break;
      chosen.add(id);
    }
    return chosen;
  }

  #exclude(node: SimulatedNode, healed: readonly SimulatedNode[]): void {
    const { network, plan } = this.#options;
    const outward = healed.map(({ id }): Direction => [node.id, id]);
    const inward = healed.map(({ id }): Direction => [id, node.id]);
    switch (plan.outsiders) {
      case 'crashed':
        if (node.running) node.crash();
        return;
      case 'paused':
        if (node.running && !node.paused) node.pause();
        return;
      case 'cut':
      case 'send-only':
      case 'receive-only':
        if (!node.running) node.start();
        if (node.paused) node.resume();
        if (plan.outsiders !== 'send-only') network.cut(outward);
        if (plan.outsiders !== 'receive-only') network.cut(inward);
        return;
      default:
        return;
    }
  }

  #ask(probe: Probe): void {
    const { clients, queue } = this.#options;
    const isLate = probe.write !== null && queue.nowMs - probe.write.sinceMs > PATIENCE_MS;
    if (!probe.writeDone && (probe.write === null || isLate)) {
      probe.write = { sequence: clients.propose(probe.node), sinceMs: queue.nowMs };
    }
    if (!probe.readDone && probe.read === null) probe.read = clients.read(probe.node);
  }

  #isDone(healed: readonly SimulatedNode[]): boolean {
    if (!this.#probes.every(({ writeDone, readDone }) => writeDone && readDone)) return false;
    const { readsEndOnce, ledger } = this.#options;
    if ([...readsEndOnce.underWay.values()].some((node) => healed.includes(node))) return false;
    const leader = healed.find((node) => node.status()?.role === 'leader');
    return healed.every((node) => {
      const status = node.status();
      const length = ledger.committed.length;
      const hasAll = status?.commit === length && status.lastIndex === length && node.machine.appliedIndex === length;
      return hasAll && status.leader === leader?.id;
    });
  }

  /** A number that grows as the cluster works off what there is to do. */
  #progress(healed: readonly SimulatedNode[]): number {
    const probed = this.#probes.filter(({ writeDone, readDone }) => writeDone && readDone).length;
    const applied = healed.reduce((sum, { machine }) => sum + machine.appliedIndex, 0);
    return this.#options.ledger.committed.length + applied + probed;
  }

  #fail(healed: readonly SimulatedNode[]): never {
    const { readsEndOnce, ledger } = this.#options;
    const readsUnderWay = [...readsEndOnce.underWay].map(([read, node]) => `${node.id}: ${read}`).slice(0, 10);
    throw new Violation(RULE, 'a healed quorum serves within its bound', {
      committed: ledger.committed.length,
      readsUnderWay,
      probes: this.#probes.map(({ node, writeDone, readDone }) => ({ node: node.id, writeDone, readDone })),
      status: healed.map((node) => node.status()),
    });
  }
}

function termAndLeader(nodes: readonly SimulatedNode[]): string {
  return nodes.map((node) => `${node.id}: ${node.status()?.term}/${node.status()?.leader}`).join(' ');
}
