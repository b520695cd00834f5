/**
 * Every read given to a node ends exactly once, unless its caller cancels it or the node dies (R5, R9): nothing is
 * dropped in silence and nothing answered twice. That it ends in time is checked by the liveness phase, through
 * `underWay`.
 */
import type { ReadResult } from '../../../core/index.js';
import type { Observer } from '../observer.js';
import type { SimulatedNode } from '../simulated-node.js';
import { check } from './violation.js';

const RULE = 'reads end once';

export class ReadsEndOnce implements Observer {
  readonly #underWay = new Map<number, SimulatedNode>();

  /** Reads that have not ended, with their nodes. */
  get underWay(): ReadonlyMap<number, SimulatedNode> {
    return this.#underWay;
  }

  onReadStarted(node: SimulatedNode, read: number): void {
    check(!this.#underWay.has(read), RULE, 'a read is started once', { read });
    this.#underWay.set(read, node);
  }

  onReadCancelled(_node: SimulatedNode, read: number): void {
    this.#underWay.delete(read);
  }

  onReadEnded(node: SimulatedNode, result: ReadResult): void {
    check(this.#underWay.get(result.read) === node, RULE, 'only a read under way ends', { node: node.id, ...result });
    this.#underWay.delete(result.read);
  }

  onCrash(node: SimulatedNode): void {
    for (const [read, owner] of this.#underWay) if (owner === node) this.#underWay.delete(read);
  }
}
