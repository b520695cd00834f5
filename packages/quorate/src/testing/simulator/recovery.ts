/**
 * The second half of a run: a quorum is healed, and the others do their worst. Within a bound there must be a leader,
 * every write and read at a healed node must succeed, and all their logs become the same; after that nobody may
 * disturb the leader.
 */
import type { NodeId } from '../../core/index.js';
import type { EventQueue } from './event-queue.js';
import type { ReadsEndOnce } from './invariants/index.js';
import { Violation } from './invariants/index.js';
import type { Ledger } from './ledger.js';
import type { Direction, Network } from './network.js';
import { electionTimeoutMs, type Plan } from './plan.js';
import type { Prng } from './prng.js';
import type { SimulatedNode } from './simulated-node.js';

export interface RecoveryOptions {
  readonly plan: Plan;
  readonly prng: Prng;
  readonly queue: EventQueue;
  readonly network: Network;
  readonly nodes: readonly SimulatedNode[];
  /** Runs the world until then. */
  readonly runUntil: (untilMs: number) => Promise<void>;
  /** One write, or one read, of a client at the node; null when nobody is there to be asked. */
  readonly write: (node: SimulatedNode) => Asked | null;
  readonly read: (node: SimulatedNode) => Asked | null;
  readonly ledger: Ledger;
  readonly readsEndOnce: ReadsEndOnce;
  readonly record: (line: string) => void;
}

const RULE = 'liveness';
/** Election timeouts, and at least this time, in which a healed quorum elects, commits, applies or answers more. */
const PROGRESS = { timeouts: 12, ms: 10_000 } as const;
/** In which it must have worked off everything. */
const BOUND = { timeouts: 100, ms: 120_000 } as const;
/** In which nothing may change any more, thereafter. */
const CALM = { timeouts: 3, ms: 3_000 } as const;
const STEP_MS = 50;
/** An operation of a client; `end` says what became of it. */
interface Asked {
  readonly end: { readonly kind: string };
}

interface Probe {
  readonly node: SimulatedNode;
  write: Asked | null;
  read: Asked | null;
}

export class Recovery {
  readonly #options: RecoveryOptions;
  #probes: Probe[] = [];

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Heals and checks; throws a Violation when the cluster does not come back. Returns the healed nodes. */
  async run(): Promise<readonly SimulatedNode[]> {
    const { queue, record, runUntil } = this.#options;
    const healed = this.#heal();
    this.#probes = healed.map((node) => ({ node, write: null, read: null }));
    const startedMs = queue.nowMs;
    let progress = { amount: -1, sinceMs: startedMs };
    while (!this.#isDone(healed)) {
      const amount = this.#progress(healed);
      if (amount > progress.amount) progress = { amount, sinceMs: queue.nowMs };
      const isStuck = queue.nowMs - progress.sinceMs > this.#patienceMs(PROGRESS);
      if (isStuck || queue.nowMs - startedMs > this.#patienceMs(BOUND)) this.#fail(healed);
      // A process may still end for a fault of before.
      for (const node of healed) if (!node.running) node.start();
      for (const probe of this.#probes) this.#ask(probe);
      await runUntil(queue.nowMs + STEP_MS);
    }
    record(`recovered after ${(queue.nowMs - startedMs).toFixed(0)} ms`);
    const before = termAndLeader(healed);
    await runUntil(queue.nowMs + this.#patienceMs(CALM));
    const after = termAndLeader(healed);
    if (before !== after) throw new Violation(RULE, 'nobody disturbs the leader of a healed quorum', { before, after });
    return healed;
  }

  /** A message that comes late may hold up all that were sent after it. */
  #patienceMs({ timeouts, ms }: { readonly timeouts: number; readonly ms: number }): number {
    const { plan } = this.#options;
    return plan.network.straggleMs + Math.max(ms, timeouts * electionTimeoutMs(plan));
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
      node.drive.become('none');
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
        if (node.running) node.crash('killed');
        return;
      case 'paused':
        if (node.running && !node.paused) node.pause();
        return;
      case 'stalled':
        // Nothing that it writes ever gets to its disk.
        if (!node.running) node.start();
        if (node.paused) node.resume();
        node.drive.become('stalled');
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
    const { write, read } = this.#options;
    if (mustAsk(probe.write)) probe.write = write(probe.node);
    if (mustAsk(probe.read)) probe.read = read(probe.node);
  }

  #isDone(healed: readonly SimulatedNode[]): boolean {
    if (!this.#probes.every(isServed)) return false;
    const { readsEndOnce, ledger } = this.#options;
    if ([...readsEndOnce.underWay.values()].some(({ id }) => healed.some((node) => node.id === id))) return false;
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
    const probed = this.#probes.filter(isServed).length;
    const applied = healed.reduce((sum, { machine }) => sum + machine.appliedIndex, 0);
    return this.#options.ledger.committed.length + applied + probed;
  }

  #fail(healed: readonly SimulatedNode[]): never {
    const { readsEndOnce, ledger } = this.#options;
    const readsUnderWay = [...readsEndOnce.underWay].map(([read, node]) => `${node.id}: ${read}`).slice(0, 10);
    throw new Violation(RULE, 'a healed quorum serves within its bound', {
      committed: ledger.committed.length,
      readsUnderWay,
      probes: this.#probes.map(({ node, write, read }) => ({
        node: node.id,
        open: node.raft !== null,
        write: write?.end.kind,
        read: read?.end.kind,
      })),
      status: healed.map((node) => node.status()),
    });
  }
}

const DONE = ['acknowledged', 'answered'];

function mustAsk(asked: Asked | null): boolean {
  return asked === null || !['open', ...DONE].includes(asked.end.kind);
}

function isServed({ write, read }: Probe): boolean {
  return [write, read].every((asked) => DONE.includes(asked?.end.kind ?? ''));
}

function termAndLeader(nodes: readonly SimulatedNode[]): string {
  return nodes.map((node) => `${node.id}: ${node.status()?.term}/${node.status()?.leader}`).join(' ');
}
