/**
 * What is committed is durable on a quorum (Raft, section 5.3), and a leader commits by counting only entries of its
 * own term (section 5.4.2, Figure 8). The first node that knows of a commit is checked, and what it committed becomes
 * the ledger's truth.
 */
import type { CoreStatus } from '../../../core/index.js';
import type { Ledger } from '../ledger.js';
import type { ObservedNode, Observer } from '../observer.js';
import { check } from './violation.js';

const RULE = 'committed on a quorum';

export class CommittedOnQuorum implements Observer {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  onInputs(node: ObservedNode, status: CoreStatus): void {
    const { committed, leaders, durableLogs, firstIndexOf } = this.#ledger;
    const { commit } = status;
    if (commit <= committed.length) return;
    const entry = node.log.written.entry(commit);
    check(entry !== undefined, RULE, 'a node commits what it has', { node: node.id, commit });
    const { term } = entry;
    const leader = leaders.get(term);
    check(leader?.id === node.id && leader.bootId === node.bootId, RULE, 'only entries of the own term are counted', {
      node: node.id,
      commit,
      entryTerm: term,
      leader,
    });
    const holders = [...durableLogs].filter(([, log]) => log.term(commit) === term).map(([id]) => id);
    check(
      this.#ledger.isQuorum((id) => holders.includes(id)),
      RULE,
      'a committed entry is durable on a quorum',
      { node: node.id, commit, term, holders },
    );
    for (let index = committed.length + 1; index <= commit; index += 1) {
      const next = node.log.written.entry(index);
      check(next !== undefined, RULE, 'a log has no gaps', { node: node.id, index });
      committed.push(next);
      if (!firstIndexOf.has(next.term)) firstIndexOf.set(next.term, index);
      this.#ledger.committedIn.push(term);
    }
  }
}
