/**
 * A fault: a node that has just been started dies at its first question, and the answers reach its next life, in which
 * it asks under the same number (R4). It must never keep them back when the faults are over.
 */
import type { Message } from '../../core/index.js';
import type { NemesisOptions } from './nemesis.js';
import type { Direction } from './network.js';
import type { ObservedNode, Observer } from './observer.js';
import { electionTimeoutMs } from './plan.js';
import type { SimulatedNode } from './simulated-node.js';
import type { Timetable } from './timetable.js';

export class Relapse implements Observer {
  readonly #options: NemesisOptions;
  readonly #timetable: Timetable;
  /** Nodes whose next question is their last. */
  readonly #waiting = new Set<string>();
  /** Of those that have died since: lets the answers go. */
  readonly #answers = new Map<string, () => void>();

  constructor(options: NemesisOptions, timetable: Timetable) {
    this.#options = options;
    this.#timetable = timetable;
  }

  /** False when there was nobody to be struck. */
  strike(): boolean {
    const { prng, nodes } = this.#options;
    const node = prng.pick(nodes);
    if (node.raft === null || node.status()?.role === 'leader') return false;
    // It begins its numbers anew.
    node.crash('killed');
    this.#waiting.add(node.id);
    this.#timetable.startLater(node, 0);
    return true;
  }

  onSend({ id }: ObservedNode, message: Message): void {
    if (message.type !== 'read-index-request' || this.#timetable.stopped || !this.#waiting.delete(id)) return;
    const { prng, network, plan, nodes, count, record } = this.#options;
    const node = nodes.find((one) => one.id === id) as SimulatedNode;
    const release = network.hold(nodes.filter((one) => one !== node).map((other): Direction => [other.id, id]));
    this.#answers.get(id)?.();
    this.#answers.set(id, release);
    this.#timetable.endAtStop(release);
    // A question, a round and an answer.
    const answeredMs = 4 * plan.network.delayMs.max + prng.between(0, 0.3) * electionTimeoutMs(plan);
    this.#timetable.inThisLife(node, answeredMs, () => {
      count('relapse');
      record(`relapse strikes ${id}`);
      node.crash('killed');
      this.#timetable.startLater(node, 0);
    });
  }

  /** The answers arrive while the node asks anew. */
  onStart({ id }: ObservedNode): void {
    const release = this.#answers.get(id);
    if (release === undefined) return;
    const { prng, plan } = this.#options;
    this.#answers.delete(id);
    this.#timetable.endLater(`relapse of ${id}`, prng.between(0.1, 0.6) * electionTimeoutMs(plan), release);
  }
}
