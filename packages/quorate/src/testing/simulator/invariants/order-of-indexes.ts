/**
 * The indexes of a node stand in one order at every moment: applied ≤ commit ≤ last (Raft, Figure 2), where what its
 * readers see is what is applied. The snapshot's index, below all of them (section 7), joins when there are snapshots.
 */
import type { CoreStatus } from '../../../core/index.js';
import type { Ledger } from '../ledger.js';
import type { ObservedNode, Observer } from '../observer.js';
import { check } from './violation.js';

const RULE = 'order of indexes';

export class OrderOfIndexes implements Observer {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  onTurn(node: ObservedNode, status: CoreStatus): void {
    const { applied, commit, lastIndex } = status;
    const seen = node.machine.appliedIndex;
    const context = { node: node.id, seen, applied, commit, lastIndex };
    check(applied <= commit, RULE, 'only what is committed is applied', context);
    check(seen <= commit, RULE, 'readers see only what is committed', context);
    check(commit <= lastIndex, RULE, 'only what the log has is committed', context);
    const { appliedTerm } = node.machine;
    const committedTerm = seen === 0 ? 0 : this.#ledger.committed[seen - 1]?.term;
    const terms = { ...context, appliedTerm, committedTerm };
    check(appliedTerm === committedTerm, RULE, 'what readers see is of the term in which it was committed', terms);
  }
}
