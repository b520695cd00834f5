/**
 * The indexes of a node stand in one order at every moment: applied ≤ commit ≤ last (Raft, Figure 2), where what its
 * readers see is what is applied. The snapshot's index, below all of them (section 7), joins when there are snapshots.
 */
import type { CoreStatus } from '../../../core/index.js';
import type { Ledger } from '../ledger.js';
import type { ObservedNode, Observer } from '../observer.js';
import { Violation } from './violation.js';

const RULE = 'order of indexes';

export class OrderOfIndexes implements Observer {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  onTurn({ id: node, machine }: ObservedNode, { applied, commit, lastIndex }: CoreStatus): void {
    const { appliedIndex: seen, appliedTerm } = machine;
    const committedTerm = seen === 0 ? 0 : this.#ledger.committed[seen - 1]?.term;
    const broken = brokenRule({ applied, seen, commit, lastIndex, isOfTerm: appliedTerm === committedTerm });
    // At every turn of every node: what a failure tells is put together only for one.
    if (broken === null) return;
    throw new Violation(RULE, broken, { node, seen, applied, commit, lastIndex, appliedTerm, committedTerm });
  }
}

function brokenRule(found: {
  readonly applied: number;
  readonly seen: number;
  readonly commit: number;
  readonly lastIndex: number;
  readonly isOfTerm: boolean;
}): string | null {
  const { applied, seen, commit, lastIndex, isOfTerm } = found;
  if (applied > commit) return 'only what is committed is applied';
  if (seen > commit) return 'readers see only what is committed';
  if (commit > lastIndex) return 'only what the log has is committed';
  if (!isOfTerm) return 'what readers see is of the term in which it was committed';
  return null;
}
