/**
 * Who uses the world: writes and reads at any node, one by one and in bursts, some fenced to a term, some given up.
 * Clients know only what nodes tell them, and never retry: what becomes of each operation is the invariants' matter.
 */
import type { Proposal } from '../../core/index.js';
import type { EventQueue } from './event-queue.js';
import type { Plan } from './plan.js';
import type { Prng } from './prng.js';
import type { SimulatedNode } from './simulated-node.js';

export interface ClientsOptions {
  readonly plan: Plan;
  readonly prng: Prng;
  readonly queue: EventQueue;
  readonly nodes: readonly SimulatedNode[];
}

/** Enough reads at once to open further rounds while one is in flight. */
const BURST = { min: 33, max: 80 } as const;

export class Clients {
  readonly #options: ClientsOptions;
  #lastRead = 0;
  #lastProposal = 0;
  #stopped = false;

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  start(): void {
    const { plan } = this.#options;
    this.#repeat(plan.clients.proposeEveryMs, () => this.#proposeSomewhere());
    this.#repeat(plan.clients.readEveryMs, () => this.#readSomewhere());
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Proposes one write to a running node; returns its sequence. */
  propose(node: SimulatedNode, count = 1, ifTerm: number | null = null): number {
    const proposals = Array.from({ length: count }, () => this.#proposal(node));
    node.propose(proposals, ifTerm);
    return this.#lastProposal;
  }

  /** Starts one read at a running node; returns its number. */
  read(node: SimulatedNode): number {
    this.#lastRead += 1;
    node.read(this.#lastRead);
    return this.#lastRead;
  }

  #proposeSomewhere(): void {
    const { prng, plan, nodes } = this.#options;
    const node = prng.pick(nodes);
    const status = node.status();
    if (status === null) return;
    const count = prng.chance(plan.clients.bursts) ? prng.integer(2, 40) : 1;
    const fence = prng.chance(plan.clients.fences) ? Math.max(0, status.term + prng.integer(-1, 1)) : null;
    this.propose(node, count, fence);
  }

  #readSomewhere(): void {
    const { prng, plan, nodes, queue } = this.#options;
    const node = prng.pick(nodes);
    if (!node.running) return;
    const { bootId } = node;
    const count = prng.chance(plan.clients.readBursts) ? prng.integer(BURST.min, BURST.max) : 1;
    for (let started = 0; started < count; started += 1) {
      const read = this.read(node);
      if (!prng.chance(plan.clients.cancels)) continue;
      queue.schedule(prng.between(0, 100), () => {
        if (node.running && node.bootId === bootId) node.cancelRead(read);
      });
    }
  }

  #proposal(node: SimulatedNode): Proposal {
    const { prng, plan } = this.#options;
    this.#lastProposal += 1;
    const data = new Uint8Array(prng.integer(1, plan.clients.maxDataBytes));
    data[0] = prng.integer(0, plan.clients.keys - 1);
    return { id: { origin: node.bootId, sequence: this.#lastProposal }, data };
  }

  #repeat(meanMs: number, run: () => void): void {
    const { prng, queue } = this.#options;
    queue.schedule(prng.exponential(meanMs), () => {
      if (this.#stopped) return;
      run();
      this.#repeat(meanMs, run);
    });
  }
}
