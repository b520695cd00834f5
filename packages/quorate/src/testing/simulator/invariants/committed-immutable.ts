/**
 * What was committed never changes and never goes (Raft, section 5.3). No log of a node that knows an index as
 * committed holds another entry there, and no crash takes the newest committed entry from the quorum that acknowledged
 * it.
 */
import type { CoreStatus, Persist } from '../../../core/index.js';
import type { Ledger } from '../ledger.js';
import type { ObservedNode, Observer } from '../observer.js';
import { check } from './violation.js';

const RULE = 'committed never changes';

export class CommittedImmutable implements Observer {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  onPersist(node: ObservedNode, step: Persist): void {
    const first = step.entries[0];
    if (first === undefined) return;
    const commit = Math.min(node.status()?.commit ?? 0, this.#ledger.committed.length);
    for (const entry of step.entries) {
      if (entry.index > commit) break;
      const committed = this.#ledger.committed[entry.index - 1];
      check(committed?.term === entry.term, RULE, 'a committed entry is not replaced', {
        node: node.id,
        index: entry.index,
        committedTerm: committed?.term,
        term: entry.term,
      });
    }
  }

  onTurn(node: ObservedNode, status: CoreStatus): void {
    const { committed } = this.#ledger;
    const { commit } = status;
    const own = node.log.written.term(commit);
    const truth = commit === 0 ? 0 : committed[commit - 1]?.term;
    if (commit <= committed.length && own === truth) return;
    const context = { node: node.id, commit, committed: committed.length, own, truth };
    check(commit <= committed.length, RULE, 'nobody knows of a commit before a leader', context);
    check(own === truth, RULE, 'a node commits what the leader committed', context);
  }

  onDurable(): void {
    this.#checkQuorum();
  }

  onCrash(): void {
    this.#checkQuorum();
  }

  /** Every committed entry, not only the newest, and in every log whose node knows it as committed. */
  onFullCheck(_nodes: readonly ObservedNode[], turned: ReadonlyMap<ObservedNode, CoreStatus>): void {
    const { committed, durableLogs } = this.#ledger;
    for (const { index, term } of committed) {
      const isHeld = this.#ledger.isQuorum((id) => durableLogs.get(id)?.term(index) === term);
      check(isHeld, RULE, 'what is committed stays durable on a quorum', { index, term });
    }
    for (const [node, { commit }] of turned) {
      const { written } = node.log;
      const wrong = committed.find(({ index, term }) => index <= commit && written.term(index) !== term);
      const context = { node: node.id, commit, index: wrong?.index };
      check(wrong === undefined, RULE, 'a node commits what the leader committed', context);
    }
  }

  /** The newest committed entry is still durable on a quorum. */
  #checkQuorum(): void {
    const last = this.#ledger.committed.at(-1);
    if (last === undefined) return;
    const { durableLogs } = this.#ledger;
    check(
      this.#ledger.isQuorum((id) => durableLogs.get(id)?.term(last.index) === last.term),
      RULE,
      'what is committed stays durable on a quorum',
      { index: last.index, term: last.term },
    );
  }
}
