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
  /** Of each term: how much of the ledger was looked at, and the last entry there committed in an earlier term. */
  readonly #known = new Map<number, { seen: number; index: number }>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  onTurn(node: ObservedNode, status: CoreStatus): void {
    if (status.role !== 'leader') return;
    const { committed, committedIn } = this.#ledger;
    const index = this.#committedBefore(status.term);
    const own = node.log.written.term(index);
    const truth = index === 0 ? 0 : committed[index - 1]?.term;
    if (own === truth) return;
    const context = { leader: node.id, term: status.term, index, committedIn: committedIn[index - 1], truth, own };
    throw new Violation(RULE, 'a leader has what was committed in earlier terms', context);
  }

  /** Every entry, not only the newest. */
  onFullCheck(_nodes: readonly ObservedNode[], turned: ReadonlyMap<ObservedNode, CoreStatus>): void {
    for (const [node, status] of turned) {
      if (status.role !== 'leader') continue;
      const { committed, committedIn } = this.#ledger;
      const missing = committed.find(
        ({ index, term }) => (committedIn[index - 1] as number) < status.term && node.log.written.term(index) !== term,
      );
      if (missing === undefined) continue;
      const context = { leader: node.id, term: status.term, index: missing.index, truth: missing.term };
      throw new Violation(RULE, 'a leader has what was committed in earlier terms', context);
    }
  }

  /** Of an entry that a later leader has committed, a leader of an earlier term need know nothing. */
  #committedBefore(term: number): number {
    const { committedIn } = this.#ledger;
    let known = this.#known.get(term);
    if (known === undefined) {
      known = { seen: 0, index: 0 };
      this.#known.set(term, known);
    }
    for (; known.seen < committedIn.length; known.seen += 1) {
      if ((committedIn[known.seen] as number) < term) known.index = known.seen + 1;
    }
    return known.index;
  }
}
