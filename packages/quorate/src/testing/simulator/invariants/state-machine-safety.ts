/**
 * State Machine Safety (Raft, section 5.4.3 and Figure 3): no two nodes apply different entries at an index. An entry
 * is handed out once in a node's life, in order, only when it is committed and durable on that very node (R12).
 */
import type { Entry, LogPosition } from '../../../core/index.js';
import type { Ledger } from '../ledger.js';
import type { ObservedNode, Observer } from '../observer.js';
import { sameEntry } from '../same-entry.js';
import { check } from './violation.js';

const RULE = 'state machine safety';

export class StateMachineSafety implements Observer {
  readonly #ledger: Ledger;
  readonly #handedOut = new Map<ObservedNode, number>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  onStart(node: ObservedNode): void {
    this.#handedOut.set(node, node.machine.appliedIndex);
  }

  onRestored(node: ObservedNode, { index, term }: LogPosition): void {
    const before = this.#handedOut.get(node) ?? 0;
    const context = { node: node.id, index, term, before };
    check(index > before, RULE, 'a snapshot that is taken over is ahead', context);
    check(this.#ledger.committed[index - 1]?.term === term, RULE, 'a snapshot is of what is committed', context);
    const isDurable = node.log.durable.term(index) === term;
    check(isDurable, RULE, 'readers see a snapshot only when the log begins behind it, durably (R12)', context);
    this.#handedOut.set(node, index);
  }

  onCommitted(node: ObservedNode, entry: Entry): void {
    const { index, term } = entry;
    const before = this.#handedOut.get(node);
    check(index === (before ?? 0) + 1, RULE, 'entries are handed out once, in order', { node: node.id, index, before });
    this.#handedOut.set(node, index);
    const committed = this.#ledger.committed[index - 1];
    const context = { node: node.id, index, term, committedTerm: committed?.term };
    check(committed !== undefined && sameEntry(committed, entry), RULE, 'the same entry everywhere', context);
    const durableTerm = node.log.durable.term(index);
    check(durableTerm === term, RULE, 'handed out only when durable there (R12)', { ...context, durableTerm });
  }
}
