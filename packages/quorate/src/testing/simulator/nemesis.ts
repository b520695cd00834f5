/**
 * Who breaks things: each kind of fault strikes at random moments at its rate, lasts a while, and ends. It often
 * picks the leader, for that is where it hurts. After `stop` nothing new begins; what goes on is ended by whoever
 * heals the world.
 */
import type { NodeId } from '../../core/index.js';
import { unreachable } from '../../errors/index.js';
import type { EventQueue } from './event-queue.js';
import type { Direction, Network } from './network.js';
import type { ObservedNode, Observer } from './observer.js';
import { electionTimeoutMs, type FaultRates, type Plan } from './plan.js';
import type { Prng } from './prng.js';
import type { DriveTrouble } from './simulated-drive.js';
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

/** When nobody was there to be struck. */
const AGAIN_MS = 400;

export class Nemesis implements Observer {
  readonly #options: NemesisOptions;
  /** What ends the faults that go on. */
  readonly #cures = new Set<() => void>();
  /** Nodes that die at their next write. */
  readonly #doomed = new Set<string>();
  /** Damage on the disks of nodes that are down, with what takes it back. */
  readonly #damaged = new Map<SimulatedNode, () => void>();
  #stopped = false;
  /** How much more rarely than planned faults strike. */
  #rarer = 1;

  constructor(options: NemesisOptions) {
    this.#options = options;
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
    this.#stopped = true;
    for (const cure of this.#cures) cure();
    for (const { drive } of this.#options.nodes) drive.become('none');
    this.#cures.clear();
    for (const repair of this.#damaged.values()) repair();
    this.#damaged.clear();
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
        return this.#strand();
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
        return this.#damageSomewhere();
      case 'clockJump':
        return this.#withRunning('clock jump', (node) =>
          this.#counted('clock jump', () => node.jumpClock(prng.integer(-100_000, 100_000))),
        );
      case 'transfer':
        return this.#withRunning('transfer', (node) => {
          if (node.raft === null) return false;
          if (node.status()?.role === 'leader') count('transfer');
          const to = prng.pick(nodes).id;
          // Whoever it is asked of refuses it, or tries: how that ends is told to nobody here.
          node.raft.transferLeadership(prng.chance(0.5) ? to : undefined, { timeoutMs: 1_000 }).then(ignore, ignore);
          return true;
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
    this.#damaged.get(node)?.();
    this.#damaged.delete(node);
    this.#startLater(node, prng.between(0, 300));
  }

  /** Whether the node's disk has been damaged, so that it may refuse to start. */
  hasDamaged(node: SimulatedNode): boolean {
    return this.#damaged.has(node);
  }

  /** A doomed node dies while a write of its log is under way. */
  onPersist({ id }: ObservedNode): void {
    const { prng, plan, nodes } = this.#options;
    const node = nodes.find((one) => one.id === id);
    if (node === undefined || !this.#doomed.delete(id)) return;
    this.#inThisLife(node, prng.between(0, plan.disk.delayMs.max), () => this.#crash(node));
  }

  /** It dies at its next write, or soon when it has nothing to write. */
  #doom(node: SimulatedNode): void {
    this.#doomed.add(node.id);
    this.#inThisLife(node, this.#timeoutMs, () => {
      if (this.#doomed.delete(node.id)) this.#crash(node);
    });
  }

  #crash(node: SimulatedNode): void {
    const { prng, count } = this.#options;
    count('crash');
    node.crash(prng.pick(['killed', 'lost', 'kept', 'torn']));
    // Often back at once, so that messages of the earlier life arrive in the next.
    this.#startLater(node, prng.chance(0.5) ? prng.between(0, 20) : prng.exponential(800));
  }

  /** False when it is paused already. */
  #pause(node: SimulatedNode, durationMs: number): boolean {
    if (node.paused) return false;
    this.#options.count('pause');
    node.pause();
    this.#inThisLife(node, durationMs, () => {
      if (node.paused) node.resume();
    });
    return true;
  }

  /**
   * A bit of what a log has called durable long since is flipped while its process is down. One at a time on a disk, so
   * that it can be taken back.
   */
  #damageSomewhere(): boolean {
    const { nodes, prng, count, record } = this.#options;
    const found = prng.shuffle(nodes).flatMap((node) => {
      if (this.#damaged.has(node)) return [];
      const lasting = prng.shuffle(lastingParts(node))[0];
      return lasting === undefined ? [] : [{ node, ...lasting }];
    })[0];
    if (found === undefined) {
      // The next start begins another segment.
      const open = nodes.filter((node) => node.raft !== null);
      if (open.length > 0) this.#crash(prng.pick(open));
      return false;
    }
    const { node, path, bytes } = found;
    if (node.running) this.#crash(node);
    const offset = prng.integer(0, bytes - 1);
    const mask = 1 << prng.integer(0, 7);
    count('damaged log');
    record(`damaged log strikes ${node.id}: ${path} at ${offset}`);
    node.disk.damage(path, offset, mask);
    this.#damaged.set(node, () => node.disk.damage(path, offset, mask));
    return true;
  }

  #linkFault(name: string, begin: (directions: readonly Direction[]) => () => void): boolean {
    const { count, record } = this.#options;
    const directions = this.#drawDirections();
    if (directions.length === 0) return false;
    count(name);
    record(`${name} ${directions.map(([from, to]) => `${from}>${to}`).join(' ')}`);
    this.#endLater(name, this.#lasting(2), begin(directions));
    return true;
  }

  /**
   * A leader, often with a few who follow it, is left alone until the others have another one: it stands still, or is
   * cut off. Of what was said meanwhile, answers to its own questions of before among it, it hears only when it goes on
   * again, or a while later: for that long it leads, as far as it knows.
   */
  #strand(): boolean {
    const { prng, nodes, network, count, record } = this.#options;
    // Without a leader, whoever may become one.
    const leader = this.#leader ?? prng.pick(nodes);
    if (!leader.running || leader.paused) return false;
    const followers = prng.chance(0.5) ? prng.integer(0, Math.floor((nodes.length - 1) / 2)) : 0;
    const others = prng.shuffle(nodes.filter((node) => node !== leader));
    const group = [leader, ...others.splice(0, followers)];
    count('strand');
    record(`strand strikes ${group.map(({ id }) => id).join()}`);
    const links = (from: readonly SimulatedNode[], to: readonly SimulatedNode[]) =>
      from.flatMap((one) => to.flatMap((other): Direction[] => (one === other ? [] : [[one.id, other.id]])));
    const answers = prng.chance(0.5) ? links(group, [leader]) : [];
    const lifts = [network.hold([...links(others, group), ...answers])];
    const aloneMs = prng.between(1.2, 3) * this.#timeoutMs;
    const startMs = prng.between(0, 0.4) * this.#timeoutMs;
    if (prng.chance(0.3)) lifts.push(network.cut(links(group, others)));
    else for (const node of group) this.#inThisLife(node, startMs, () => this.#pause(node, aloneMs));
    this.#endLater('strand', startMs + aloneMs + prng.between(0, 0.5) * this.#timeoutMs, () => {
      for (const lift of lifts) lift();
    });
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
      const onStruck = () => {
        this.#options.count(name);
        this.#endLater(`${name} of ${node.id}`, this.#lasting(2), () => node.drive.become('none'));
      };
      node.drive.become(trouble, { slowness, onStruck });
      return true;
    });
  }

  /** After the delay, unless its process has ended by then, or the faults are over. */
  #inThisLife(node: SimulatedNode, delayMs: number, act: () => void): void {
    const { bootId } = node;
    this.#options.queue.schedule(delayMs, () => {
      if (node.running && node.bootId === bootId && !this.#stopped) act();
    });
  }

  /** After the delay, unless it runs already, or the faults are over. */
  #startLater(node: SimulatedNode, delayMs: number): void {
    this.#options.queue.schedule(delayMs, () => {
      if (!node.running && !this.#stopped) node.start();
    });
  }

  get #timeoutMs(): number {
    return electionTimeoutMs(this.#options.plan);
  }

  /** How long a fault lasts, in milliseconds; around so many election timeouts. */
  #lasting(timeouts: number): number {
    return this.#options.prng.exponential(timeouts * this.#timeoutMs);
  }

  #endLater(name: string, delayMs: number, cure: () => void): void {
    this.#cures.add(cure);
    this.#options.queue.schedule(delayMs, () => {
      if (!this.#cures.delete(cure)) return;
      this.#options.record(`${name} ends`);
      cure();
    });
  }

  /** `strike` says whether it took effect. */
  #withRunning(name: string, strike: (node: SimulatedNode) => boolean): boolean {
    const victim = this.#victim();
    if (!victim.running) return false;
    this.#options.record(`${name} strikes ${victim.id}`);
    return strike(victim);
  }

  #counted(name: string, strike: () => void): true {
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
      if (this.#stopped) return;
      const next = this.#strike(fault) ? this.#rarer * prng.exponential(meanMs) : AGAIN_MS;
      this.#after(next, meanMs, fault);
    });
  }
}

/** What later writes name as durable. What nothing names yet, behind it, may be a torn write, and is no damage. */
function lastingParts({ disk }: SimulatedNode): readonly { readonly path: string; readonly bytes: number }[] {
  const segments = disk.files.filter((path) => path.includes('/log/') && path.endsWith('.log'));
  const newest = segments.at(-1);
  return segments
    .map((path) => ({ path, bytes: path === newest ? disk.reliedOnBytes(path) : Math.ceil(disk.usedBytes(path) / 2) }))
    .filter(({ bytes }) => bytes > 0);
}

function ignore(): void {}
