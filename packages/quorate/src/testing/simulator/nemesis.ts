/**
 * Who breaks things: each kind of fault strikes at random moments at its rate, lasts a while, and ends. It often
 * picks the leader, for that is where it hurts. After `stop` nothing new begins; what goes on is ended by whoever
 * heals the world.
 */
import type { Message, NodeId } from '../../core/index.js';
import { unreachable } from '../../errors/index.js';
import type { EventQueue } from './event-queue.js';
import { LogDamage } from './log-damage.js';
import type { Direction, Network } from './network.js';
import type { ObservedNode, Observer } from './observer.js';
import { electionTimeoutMs, type FaultRates, type Plan } from './plan.js';
import type { Prng } from './prng.js';
import { Relapse } from './relapse.js';
import type { DriveTrouble } from './simulated-drive.js';
import type { SimulatedNode } from './simulated-node.js';
import { strand } from './strand.js';
import { Timetable } from './timetable.js';

export interface NemesisOptions {
  readonly plan: Plan;
  readonly prng: Prng;
  readonly queue: EventQueue;
  readonly network: Network;
  readonly nodes: readonly SimulatedNode[];
  readonly count: (name: string) => void;
  readonly record: (line: string) => void;
  /** Whether the nodes for which `has` holds are a quorum. */
  readonly isQuorum: (has: (id: NodeId) => boolean) => boolean;
  /** One write of a client at the node, if anyone is there to be asked. */
  readonly write: (node: SimulatedNode) => void;
}

/** When nobody was there to be struck. */
const AGAIN_MS = 400;

export class Nemesis implements Observer {
  readonly #options: NemesisOptions;
  /** Nodes that die at their next write. */
  readonly #doomed = new Set<string>();
  readonly #timetable: Timetable;
  readonly #damage: LogDamage;
  readonly #relapse: Relapse;
  /** How much more rarely than planned faults strike. */
  #rarer = 1;

  constructor(options: NemesisOptions) {
    this.#options = options;
    const { nodes, prng, record } = options;
    this.#timetable = new Timetable(options);
    this.#damage = new LogDamage({ nodes, prng, record, crash: (node) => this.#crash(node) });
    this.#relapse = new Relapse(options, this.#timetable);
  }

  start(): void {
    const { faults, faultsMs } = this.#options.plan;
    const { prng } = this.#options;
    for (const fault of Object.keys(faults) as (keyof FaultRates)[]) {
      const meanMs = faults[fault];
      // What is switched on happens: the first time early enough, and then as often as it likes.
      if (meanMs !== null) this.#after(prng.between(0, Math.min(meanMs, 0.5 * faultsMs)), meanMs, fault);
    }
  }

  /** From now on faults are rare. */
  ease(): void {
    this.#rarer = 10;
  }

  /** No new faults; those of the network and of disks end now. Nodes that are down or paused stay so. */
  stop(): void {
    const { nodes } = this.#options;
    this.#timetable.stop();
    for (const node of nodes) {
      node.drive.become('none');
      this.#damage.repair(node);
    }
  }

  /** False when nobody was there to be struck. */
  #strike(fault: keyof FaultRates): boolean {
    const { prng, network, nodes, count } = this.#options;
    switch (fault) {
      case 'crash':
        return this.#withRunning('crash', (node) => {
          if (prng.chance(0.5)) this.#doom(node);
          else this.#crash(node);
          return true;
        });
      case 'stop':
        return this.#withRunning(
          'stop',
          (node) => node.raft !== null && !node.paused && this.#counted('stop', () => node.stop()),
        );
      case 'pause':
        // Short ones, and ones in which the others elect a new leader.
        return this.#withRunning('pause', (node) => {
          return this.#pause(node, prng.chance(0.5) ? this.#lasting(0.6) : prng.between(1.6, 6) * this.#timeoutMs);
        });
      case 'block':
        return this.#withRunning('block', (node) => this.#counted('block', () => node.block(this.#lasting(0.6))));
      case 'partition':
        return this.#linkFault('partition', (directions) => network.cut(directions));
      case 'hold':
        return this.#linkFault('hold', (directions) => network.hold(directions));
      case 'strand':
        // Without a leader, whoever may become one.
        return strand(this.#options, this.#timetable, {
          leader: this.#leader ?? prng.pick(nodes),
          pause: (node, durationMs) => this.#pause(node, durationMs),
        });
      case 'relapse':
        return this.#relapse.strike();
      case 'reset':
        return this.#reset();
      case 'slowDisk':
        return this.#diskFault('slow disk', 'slow', prng.integer(5, 100));
      case 'stalledDisk':
        return this.#diskFault('stalled disk', 'stalled', 1);
      case 'failingDisk':
        return this.#diskFault('failing disk', 'failing', 1);
      case 'fullDisk':
        return this.#diskFault('full disk', 'full', 1);
      case 'damagedLog':
        return this.#damage.strike() && this.#counted('damaged log');
      case 'clockJump':
        return this.#withRunning('clock jump', (node) =>
          this.#counted('clock jump', () => node.jumpClock(prng.integer(-100_000, 100_000))),
        );
      case 'transfer':
        return this.#withRunning('transfer', (node) => {
          if (node.raft === null) return false;
          const leads = node.status()?.role === 'leader';
          if (leads) count('transfer');
          const to = prng.pick(nodes).id;
          // Whoever it is asked of refuses it, or tries: how that ends is told to nobody here.
          node.raft.transferLeadership(prng.chance(0.5) ? to : undefined, { timeoutMs: 1_000 }).then(ignore, ignore);
          return leads;
        });
      case 'campaign':
        return this.#withRunning('campaign', (node) => {
          return node.status()?.role !== 'leader' && this.#counted('campaign', () => node.campaign());
        });
      default:
        return unreachable(fault);
    }
  }

  /** A process has ended by itself, as it must when its disk fails; it is started again like one that crashed. */
  exited(node: SimulatedNode): void {
    const { prng } = this.#options;
    this.#damage.repair(node);
    this.#timetable.startLater(node, prng.between(0, 300));
  }

  /** Whether the node's disk has been damaged, so that it may refuse to start. */
  hasDamaged(node: SimulatedNode): boolean {
    return this.#damage.has(node);
  }

  /** A doomed node dies while a write of its log is under way. */
  onPersist({ id }: ObservedNode): void {
    const { prng, plan, nodes } = this.#options;
    const node = nodes.find((one) => one.id === id);
    if (node === undefined || !this.#doomed.delete(id)) return;
    this.#timetable.inThisLife(node, prng.between(0, plan.disk.delayMs.max), () => this.#crash(node));
  }

  onSend(node: ObservedNode, message: Message): void {
    this.#relapse.onSend(node, message);
  }

  /** It dies at its next write, or soon when it has nothing to write. */
  #doom(node: SimulatedNode): void {
    this.#doomed.add(node.id);
    this.#timetable.inThisLife(node, this.#timeoutMs, () => {
      if (this.#doomed.delete(node.id)) this.#crash(node);
    });
  }

  #crash(node: SimulatedNode): void {
    const { prng, count } = this.#options;
    count('crash');
    node.crash(prng.pick(['killed', 'lost', 'kept', 'torn']));
    // Often back at once, so that messages of the earlier life arrive in the next.
    this.#timetable.startLater(node, prng.chance(0.5) ? prng.between(0, 20) : prng.exponential(800));
  }

  /** False when it is paused already. */
  #pause(node: SimulatedNode, durationMs: number): boolean {
    if (node.paused) return false;
    this.#options.count('pause');
    node.pause();
    this.#timetable.inThisLife(node, durationMs, () => {
      if (node.paused) node.resume();
    });
    return true;
  }

  #linkFault(name: string, begin: (directions: readonly Direction[]) => () => void): boolean {
    const { count, record } = this.#options;
    const directions = this.#drawDirections();
    if (directions.length === 0) return false;
    count(name);
    record(`${name} ${directions.map(([from, to]) => `${from}>${to}`).join(' ')}`);
    this.#timetable.endLater(name, this.#lasting(2), begin(directions));
    return true;
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

  #reset(): boolean {
    const { prng, nodes, network, record } = this.#options;
    const [one, other] = prng.shuffle(nodes);
    if (one === undefined || other === undefined) return false;
    record(`reset ${one.id} ${other.id}`);
    network.reset(one.id, other.id);
    return true;
  }

  #diskFault(name: string, trouble: DriveTrouble, slowness: number): boolean {
    return this.#withRunning(name, (node) => {
      // It waits for something to strike, and lasts from then on.
      const onStruck = (end: () => void) => {
        this.#options.count(name);
        this.#timetable.endLater(`${name} of ${node.id}`, this.#lasting(2), end);
      };
      node.drive.become(trouble, { slowness, onStruck });
      return true;
    });
  }

  get #timeoutMs(): number {
    return electionTimeoutMs(this.#options.plan);
  }

  /** How long a fault lasts, in milliseconds; around so many election timeouts. */
  #lasting(timeouts: number): number {
    return this.#options.prng.exponential(timeouts * this.#timeoutMs);
  }

  /** `strike` says whether it took effect. */
  #withRunning(name: string, strike: (node: SimulatedNode) => boolean): boolean {
    const victim = this.#victim();
    if (!victim.running) return false;
    this.#options.record(`${name} strikes ${victim.id}`);
    return strike(victim);
  }

  #counted(name: string, strike: () => void = () => {}): true {
    this.#options.count(name);
    strike();
    return true;
  }

  get #leader(): SimulatedNode | undefined {
    return this.#options.nodes.find((node) => node.status()?.role === 'leader');
  }

  #victim(): SimulatedNode {
    const { prng, nodes } = this.#options;
    const leader = this.#leader;
    return leader !== undefined && prng.chance(0.5) ? leader : prng.pick(nodes);
  }

  #after(delayMs: number, meanMs: number, fault: keyof FaultRates): void {
    const { prng, queue } = this.#options;
    queue.schedule(delayMs, () => {
      if (this.#timetable.stopped) return;
      const next = this.#strike(fault) ? this.#rarer * prng.exponential(meanMs) : AGAIN_MS;
      this.#after(next, meanMs, fault);
    });
  }
}

function ignore(): void {}
