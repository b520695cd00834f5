/**
 * A fault: a node that has been started dies soon after its first question, and the answers reach its next life, in
 * which it asks under the same number (R4). It must never keep them back when the faults are over.
 */
import type { Message } from '../../core/index.js';
import type { NemesisOptions } from './nemesis.js';
import type { Direction } from './network.js';
import type { ObservedNode, Observer } from './observer.js';
import { electionTimeoutMs } from './plan.js';
import type { SimulatedNode } from './simulated-node.js';
import type { Timetable } from './timetable.js';

/** `fresh`: its next question is its last; `asked`: it is about to die; `again`: its next question lets answers go. */
type Stage =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'asked' | 'again'; readonly bootId: number; readonly letGo: () => readonly Message[] };

export class Relapse implements Observer {
  readonly #options: NemesisOptions;
  readonly #timetable: Timetable;
  readonly #stages = new Map<string, Stage>();

  constructor(options: NemesisOptions, timetable: Timetable) {
    this.#options = options;
    this.#timetable = timetable;
  }

  /** False when there was nobody to be struck. */
  strike(): boolean {
    const { prng, nodes, record } = this.#options;
    const node = prng.pick(nodes);
    if (node.raft === null || node.status()?.role === 'leader' || this.#stages.has(node.id)) return false;
    record(`relapse strikes ${node.id}`);
    // It begins its numbers anew.
    node.crash('killed');
    this.#stages.set(node.id, { kind: 'fresh' });
    this.#timetable.startLater(node, 0);
    return true;
  }

  onSend({ id, bootId }: ObservedNode, message: Message): void {
    const stage = this.#stages.get(id);
    if (message.type !== 'read-index-request' || stage === undefined || this.#timetable.stopped) return;
    if (stage.kind === 'fresh') this.#dieSoon(id, bootId);
    if (stage.kind !== 'again') return;
    this.#stages.delete(id);
    const { count, record } = this.#options;
    const answers = stage.letGo().filter((one) => one.type === 'read-index-response' && one.origin === stage.bootId);
    if (answers.length > 0) count('relapse');
    record(`relapse of ${id} ends with ${answers.length} late answers`);
  }

  /** When a question, a round and an answer may have taken place. */
  #dieSoon(id: string, bootId: number): void {
    const { prng, network, plan, nodes } = this.#options;
    const node = nodes.find((one) => one.id === id) as SimulatedNode;
    const toIt = nodes.filter((one) => one !== node).map((other): Direction => [other.id, id]);
    const lift = network.hold(toIt, ({ type }) => type === 'read-index-response');
    let released: readonly Message[] = [];
    const end = this.#timetable.endAtStop(() => {
      released = lift();
    });
    const letGo = () => {
      end();
      return released;
    };
    this.#stages.set(id, { kind: 'asked', bootId, letGo });
    const answeredMs = 4 * plan.network.delayMs.max + prng.between(0, 0.3) * electionTimeoutMs(plan);
    this.#timetable.later(answeredMs, () => {
      this.#stages.set(id, { kind: 'again', bootId, letGo });
      if (node.running) node.crash('killed');
      this.#timetable.startLater(node, 0);
    });
  }
}
