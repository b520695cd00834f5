/**
 * What is cut off a log is in a snapshot that a loss of power cannot take (Raft, section 7; R12): looked for on the
 * node's disk in the moment in which the node relies on it. It must never take the node's word for it.
 */
import type { CoreStatus, LogPosition, Persist } from '../../../core/index.js';
import type { ObservedNode, Observer } from '../observer.js';
import { check } from './violation.js';

const RULE = 'cut behind snapshots';

export class CutBehindSnapshots implements Observer {
  /** Where each log was last seen to begin. */
  readonly #starts = new Map<ObservedNode, number>();

  onSnapshot(node: ObservedNode, { index }: LogPosition): void {
    check(node.hasDurableSnapshot(index), RULE, 'a snapshot is durable when it is told of', { node: node.id, index });
  }

  onPersist(node: ObservedNode, { restart }: Persist): void {
    if (restart === null) return;
    const context = { node: node.id, restart };
    check(node.hasDurableSnapshot(restart.index), RULE, 'a log begins anew behind a durable snapshot', context);
  }

  onStart(node: ObservedNode): void {
    this.#starts.delete(node);
  }

  onTurn(node: ObservedNode, { start, snapshot }: CoreStatus): void {
    if (start === (this.#starts.get(node) ?? 0)) return;
    this.#starts.set(node, start);
    const context = { node: node.id, start, snapshot };
    check(start <= snapshot, RULE, 'what is cut off is in the newest snapshot', context);
    check(node.hasDurableSnapshot(start), RULE, 'what is cut off is in a durable snapshot', context);
  }
}
