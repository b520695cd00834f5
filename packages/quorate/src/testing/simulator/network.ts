/**
 * The network between the nodes: one link for each ordered pair, with delay, loss, duplication and reordering, that
 * can be cut, held or reset. A message that was sent is delivered as it was, late, twice or never; it must never be
 * altered.
 */
import type { Message, NodeId } from '../../core/index.js';
import type { EventQueue } from './event-queue.js';
import type { Plan } from './plan.js';
import type { Prng } from './prng.js';

/** What became of messages, for the coverage of faults. */
export type NetworkEvent = 'lost' | 'duplicated' | 'straggled' | 'overtaken' | 'cut' | 'held' | 'reset';

export interface NetworkOptions {
  readonly queue: EventQueue;
  readonly prng: Prng;
  readonly plan: Plan['network'];
  readonly deliver: (message: Message) => void;
  /** Called when a message is certainly lost and the sender may be told. */
  readonly reportLoss: (from: NodeId, to: NodeId) => void;
  readonly count: (event: NetworkEvent) => void;
}

interface Link {
  cuts: number;
  readonly holds: Set<Hold>;
  readonly held: Message[];
  /** Grows with each reset: what was sent under an older number is lost. */
  generation: number;
  lastArrivalMs: number;
}

/** Says of a message whether it is kept back. */
type Hold = (message: Message) => boolean;

/** A pair of nodes, in the direction of the messages. */
export type Direction = readonly [from: NodeId, to: NodeId];

export class Network {
  readonly #options: NetworkOptions;
  readonly #links = new Map<string, Link>();
  /** How likely what is left to chance is, relative to the plan. */
  #chances = 1;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  send(message: Message): void {
    const { prng, plan, count, reportLoss } = this.#options;
    const link = this.#link(message.from, message.to);
    if (link.cuts > 0) {
      count('cut');
      if (prng.chance(plan.reportsLoss)) reportLoss(message.from, message.to);
      return;
    }
    if (this.#happens(plan.loss)) {
      count('lost');
      if (prng.chance(plan.reportsLoss)) reportLoss(message.from, message.to);
      return;
    }
    if (isKept(link, message)) {
      count('held');
      link.held.push(message);
      return;
    }
    this.#carry(link, message);
    if (this.#happens(plan.duplication)) {
      count('duplicated');
      this.#carry(link, message);
    }
  }

  /** Cuts links until the function returned is called; cuts of several callers add up. */
  cut(directions: readonly Direction[]): () => void {
    const links = directions.map(([from, to]) => this.#link(from, to));
    for (const link of links) link.cuts += 1;
    return once(() => {
      for (const link of links) link.cuts -= 1;
    });
  }

  /**
   * Keeps back what is sent over the links, or only what `isHeld` says, until the function returned is called; then
   * what no other hold keeps back travels, in any order, and some of it for long. Returns those messages.
   */
  hold(directions: readonly Direction[], isHeld: Hold = () => true): () => readonly Message[] {
    const links = directions.map(([from, to]) => this.#link(from, to));
    for (const link of links) link.holds.add(isHeld);
    return () => links.flatMap((link) => (link.holds.delete(isHeld) ? this.#letGo(link) : []));
  }

  #letGo(link: Link): readonly Message[] {
    const { prng } = this.#options;
    const held = link.held.splice(0);
    const free = held.filter((message) => !isKept(link, message));
    link.held.push(...held.filter((message) => isKept(link, message)));
    for (const message of prng.chance(0.5) ? prng.shuffle(free) : free) this.#carry(link, message, HELD_STRAGGLERS);
    return free;
  }

  /** The connections between two nodes break: what is under way is lost, and both are told. */
  reset(one: NodeId, other: NodeId): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.#link(from, to).generation += 1;
      this.#options.reportLoss(from, to);
    }
    this.#options.count('reset');
  }

  /** Whether the link is cut now. */
  isCut(from: NodeId, to: NodeId): boolean {
    return this.#link(from, to).cuts > 0;
  }

  /** Calls back after the time that a message takes: for what connections say to each other. */
  travel(arrived: () => void): void {
    const { queue, prng, plan } = this.#options;
    queue.schedule(prng.between(plan.delayMs.min, plan.delayMs.max), arrived);
  }

  /** From now on little is lost, duplicated or late by chance. */
  ease(): void {
    this.#chances = 0.1;
  }

  /** From now on nothing is lost, duplicated or late by chance. Cuts and holds stay as they are. */
  calm(): void {
    this.#chances = 0;
  }

  #happens(chance: number): boolean {
    return this.#chances > 0 && this.#options.prng.chance(this.#chances * chance);
  }

  #carry(link: Link, message: Message, stragglers = this.#options.plan.stragglers): void {
    const { queue, prng, plan, deliver, count } = this.#options;
    const straggles = this.#happens(stragglers);
    if (straggles) count('straggled');
    const delayMs = straggles ? prng.between(0, plan.straggleMs) : prng.between(plan.delayMs.min, plan.delayMs.max);
    let arrivalMs = queue.nowMs + delayMs;
    if (plan.inOrder) arrivalMs = Math.max(arrivalMs, link.lastArrivalMs);
    else if (arrivalMs < link.lastArrivalMs) count('overtaken');
    link.lastArrivalMs = Math.max(arrivalMs, link.lastArrivalMs);
    const { generation } = link;
    queue.schedule(arrivalMs - queue.nowMs, () => {
      if (link.generation !== generation) return;
      if (link.cuts > 0 && plan.cutsTakeMessages) count('cut');
      else deliver(message);
    });
  }

  #link(from: NodeId, to: NodeId): Link {
    const name = `${from}>${to}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = { cuts: 0, holds: new Set(), held: [], generation: 0, lastArrivalMs: 0 };
      this.#links.set(name, link);
    }
    return link;
  }
}

/** Share of the messages that were held back of which nothing is heard for much longer. */
const HELD_STRAGGLERS = 1 / 3;

function isKept({ holds }: Link, message: Message): boolean {
  return holds.size > 0 && [...holds].some((isHeld) => isHeld(message));
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
