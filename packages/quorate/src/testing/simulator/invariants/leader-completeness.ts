/**
 * Leader Completeness (Raft, section 5.4 and Figure 3): what is committed is in the log of every leader of a later
 * term. Checked at every turn of a leader, for the last entry that a leader of an earlier term has committed; it must
 * never ask for what only a later leader committed. Log Matching carries the rest.
 */
import type { CoreStatus } from '../../../core/index.js';
import type { Ledger } from '../ledger.js';
import type { ObservedNode, Observer } from '../observer.js';
import { Violation } from './violation.js';

const RULE = 'leader completeness';

export class LeaderCompleteness implements Observer {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  onTurn(node: ObservedNode, status: CoreStatus): void {
    if (status.role !== 'leader') return;
    const { committed, committedIn } = this.#ledger;
    // Of an entry that a later leader has committed, a leader of an earlier term need know nothing.
    const index = 1 + committedIn.findLastIndex((term) => term < status.term);
    const own = node.log.written.term(index);
    const truth = index === 0 ? 0 : committed[index - 1]?.term;
    if (own === truth) return;
    const context = { leader: node.id, term: status.term, index, committedIn: committedIn[index - 1], truth, own };
    throw new Violation(RULE, 'a leader has what was committed in earlier terms', context);
  }
}
