/**
 * What a leader believes of a follower is true (Raft, Figure 2, matchIndex): the follower's disk holds the leader's log
 * up to there. Commits are counted from it. It must not be asked of a leader that a follower has outlived: what that
 * one knows may have been replaced since.
 */
import type { CoreStatus } from '../../../core/index.js';
import type { Ledger } from '../ledger.js';
import type { ObservedNode, Observer } from '../observer.js';
import { check } from './violation.js';

const RULE = 'match is replicated';

export class MatchIsReplicated implements Observer {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  onInputs(node: ObservedNode, { term, followers }: CoreStatus): void {
    for (const { id: follower, matchIndex } of followers) {
      const log = this.#ledger.durableLogs.get(follower);
      if (log === undefined || log.hardState.term > term) continue;
      const [own, held] = [node.log.written.term(matchIndex), log.term(matchIndex)];
      const context = { leader: node.id, term, follower, matchIndex, own, held };
      check(held !== undefined && own === held, RULE, 'a follower holds what its leader counts on', context);
    }
  }
}
