/**
 * Who breaks things: each kind of fault strikes at random moments at its rate, lasts a while, and ends. It often
 * picks the leader, for that is where it hurts. After `stop` nothing new begins; what goes on is ended by whoever
 * heals the world.
 */
import type { NodeId } from '../../core/index.js';
import { unreachable } from '../../errors/index.js';
import type { EventQueue } from './event-queue.js';
import type { Direction, Network } from './network.js';
import type { Observer } from './observer.js';
import type { FaultRates, Plan } from './plan.js';
import type { Prng } from './prng.js';
import type { SimulatedNode } from './simulated-node.js';

export interface NemesisOptions {
  readonly plan: Plan;
  readonly prng: Prng;
  readonly queue: EventQueue;
  readonly network: Network;
  readonly nodes: readonly SimulatedNode[];
  readonly count: (name: string) => void;
  readonly record: (line: string) => void;
}

export class Nemesis implements Observer {
  readonly #options: NemesisOptions;
  /** What ends the faults that go on. */
  readonly #cures = new Set<() => void>();
  /** Nodes that die at their next write. */
  readonly #doomed = new Set<SimulatedNode>();
  #stopped = false;

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  start(): void {
    const { faults } = this.#options.plan;
    for (const fault of Object.keys(faults) as (keyof FaultRates)[]) {
      const meanMs = faults[fault];
      if (meanMs !== null) this.#repeat(meanMs, () => this.#strike(fault));
    }
  }

  /** No new faults; those of the network and of disks end now. Nodes that are down or paused stay so. */
  stop(): void {
    this.#stopped = true;
    for (const cure of this.#cures) cure();
    this.#cures.clear();
  }

  #strike(fault: keyof FaultRates): void {
    const { prng, network, nodes } = this.#options;
    switch (fault) {
      case 'crash':
        this.#withRunning('crash struck', (node) => {
          if (prng.chance(0.5)) this.#doomed.add(node);
          else this.#crash(node);
        });
        break;
      case 'pause':
        this.#pause();
        break;
      case 'partition':
        this.#linkFault('partition', (directions) => network.cut(directions));
        break;
      case 'hold':
        this.#linkFault('hold', (directions) => network.hold(directions));
        break;
      case 'reset':
        this.#reset();
        break;
      case 'slowDisk':
        this.#slowDisk();
        break;
      case 'clockJump':
        this.#withRunning('clock jump', (node) => node.jumpClock(prng.integer(-100_000, 100_000)));
        break;
      case 'transfer':
        this.#withRunning('transfer', (node) => node.transferLeadership(prng.pick(nodes).id));
        break;
      case 'campaign':
        this.#withRunning('campaign', (node) => node.campaign());
        break;
      default:
        unreachable(fault);
    }
  }

  /** A doomed node dies while a write of its log is under way. */
  onPersist(node: SimulatedNode): void {
    const { prng, queue, plan } = this.#options;
    if (!this.#doomed.delete(node)) return;
    const { bootId } = node;
    queue.schedule(prng.between(0, plan.disk.delayMs.max * node.diskSlowness), () => {
      if (node.running && node.bootId === bootId && !this.#stopped) this.#crash(node);
    });
  }

  #crash(node: SimulatedNode): void {
    const { prng, queue } = this.#options;
    node.crash();
    // Often back at once, so that messages of the earlier life arrive in the next.
    queue.schedule(prng.chance(0.5) ? prng.between(0, 20) : prng.exponential(800), () => {
      if (!node.running && !this.#stopped) node.start();
    });
  }

  #pause(): void {
    const { prng, queue } = this.#options;
    this.#withRunning('pause', (node) => {
      const { bootId } = node;
      if (node.paused) return;
      node.pause();
      // Short ones, and ones in which the others elect a new leader.
      queue.schedule(prng.chance(0.5) ? prng.exponential(300) : prng.between(800, 3_000), () => {
        if (node.paused && node.bootId === bootId && !this.#stopped) node.resume();
      });
    });
  }

  #linkFault(name: string, begin: (directions: readonly Direction[]) => () => void): void {
    const { prng, count, record } = this.#options;
    const directions = this.#drawDirections();
    if (directions.length === 0) return;
    count(name);
    record(`${name} ${directions.map(([from, to]) => `${from}>${to}`).join(' ')}`);
    this.#endLater(prng.exponential(1_000), begin(directions));
  }

  /** Which links a fault strikes: around one node, between two groups, or single ones; in one direction or both. */
  #drawDirections(): readonly Direction[] {
    const { prng, nodes } = this.#options;
    const ids = nodes.map(({ id }) => id);
    const isOneWay = prng.chance(0.3);
    const group = new Set<NodeId>(
      prng.chance(0.5) ? [this.#victim().id] : prng.shuffle(ids).slice(0, prng.integer(1, ids.length)),
    );
    const share = prng.pick([1, 1, 0.5]);
    const directions: Direction[] = [];
    for (const from of ids) {
      for (const to of ids) {
        if (from === to || group.has(from) === group.has(to)) continue;
        if (isOneWay && !group.has(from)) continue;
        if (prng.chance(share)) directions.push([from, to]);
      }
    }
    return directions;
  }

  #reset(): void {
    const { prng, nodes, network, record } = this.#options;
    const [one, other] = prng.shuffle(nodes);
    if (one === undefined || other === undefined) return;
    record(`reset ${one.id} ${other.id}`);
    network.reset(one.id, other.id);
  }

  #slowDisk(): void {
    const { prng } = this.#options;
    this.#withRunning('slow disk', (node) => {
      node.diskSlowness = prng.integer(5, 100);
      this.#endLater(prng.exponential(1_000), () => {
        node.diskSlowness = 1;
      });
    });
  }

  #endLater(delayMs: number, cure: () => void): void {
    this.#cures.add(cure);
    this.#options.queue.schedule(delayMs, () => {
      if (this.#cures.delete(cure)) cure();
    });
  }

  #withRunning(name: string, strike: (node: SimulatedNode) => void): void {
    const victim = this.#victim();
    if (!victim.running) return;
    this.#options.count(name);
    strike(victim);
  }

  #victim(): SimulatedNode {
    const { prng, nodes } = this.#options;
    const leader = nodes.find((node) => node.status()?.role === 'leader');
    return leader !== undefined && prng.chance(0.5) ? leader : prng.pick(nodes);
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
