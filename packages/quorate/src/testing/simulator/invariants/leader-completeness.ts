/**
 * Leader Completeness (Raft, section 5.4 and Figure 3): what is committed is in the log of every leader of a later
 * term. Checked when a node is first seen leading and, for leaders there are already, when something is committed.
 * Log Matching carries the rest.
 */
import type { CoreStatus } from '../../../core/index.js';
import type { Ledger } from '../ledger.js';
import type { Observer } from '../observer.js';
import type { SimulatedNode } from '../simulated-node.js';
import { Violation } from './violation.js';

const RULE = 'leader completeness';

export class LeaderCompleteness implements Observer {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  onTurn(node: SimulatedNode, status: CoreStatus): void {
    if (status.role !== 'leader') return;
    const last = this.#lastCommittedBefore(status.term);
    if (last === undefined) return;
    const own = node.log.written.term(last.index);
    if (own === last.term) return;
    throw new Violation(RULE, 'a leader has what was committed in earlier terms', {
      leader: node.id,
      term: status.term,
      index: last.index,
      committedTerm: last.term,
      ownTerm: own,
    });
  }

  /** A deposed leader may commit nothing more, so the newest committed entry of an earlier term is close to the end. */
  #lastCommittedBefore(term: number): { readonly index: number; readonly term: number } | undefined {
    return this.#ledger.committed.findLast((entry) => entry.term <= term);
  }
}
