/**
 * What a client is told of its write is true: a command is committed at most once and only in the term it was fenced
 * to. What was rejected, or overtaken by an entry of a later term at its proposer, must never be committed (outcome
 * `not-applied`).
 */
import type { Entry, LogPosition, Proposal, RejectedProposals } from '../../../core/index.js';
import type { Ledger } from '../ledger.js';
import type { ObservedNode, Observer } from '../observer.js';
import { check } from './violation.js';

const RULE = 'proposal outcomes';

interface Fate {
  readonly term: number;
  readonly node: ObservedNode;
  /** Why it is certainly not applied, as soon as that was said. */
  refused: string | null;
  index: number | null;
}

export class ProposalOutcomes implements Observer {
  readonly #ledger: Ledger;
  readonly #fates = new Map<string, Fate>();
  /** Of each node: what it waits for. */
  readonly #waiting = new Map<ObservedNode, Set<Fate>>();
  /** The highest term of which each node has applied an entry in its present life. */
  readonly #appliedTerm = new Map<ObservedNode, number>();
  #seen = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  onProposed(node: ObservedNode, { id }: Proposal, term: number): void {
    const known = this.#fates.get(`${id.origin}/${id.sequence}`);
    if (known !== undefined) {
      // Sent once more, for it may have been lost on its way: under the same number, to the same term.
      check(known.node === node && known.term === term, RULE, 'a number is used once', { node: node.id, id, term });
      return;
    }
    const fate: Fate = { term, node, refused: null, index: null };
    this.#fates.set(`${id.origin}/${id.sequence}`, fate);
    this.#waitingAt(node).add(fate);
  }

  onRejected(node: ObservedNode, { ids, reason }: RejectedProposals): void {
    for (const id of ids) {
      const fate = this.#fates.get(`${id.origin}/${id.sequence}`);
      check(fate?.node === node && id.origin === node.bootId, RULE, 'its own proposals are rejected', {
        node: node.id,
        id,
      });
      this.#refuse(fate, reason);
    }
  }

  onApplied(node: ObservedNode, { proposal, term }: Entry): void {
    const waiting = this.#waitingAt(node);
    const own = proposal === null ? undefined : this.#fates.get(`${proposal.origin}/${proposal.sequence}`);
    if (own !== undefined) waiting.delete(own);
    if (term <= (this.#appliedTerm.get(node) ?? 0)) return;
    this.#appliedTerm.set(node, term);
    for (const fate of waiting) {
      if (fate.term < term) this.#refuse(fate, `an entry of term ${term} was applied first`);
    }
  }

  /** What became of proposals up to its term is not told any more. */
  onRestored(node: ObservedNode, { term }: LogPosition): void {
    this.#appliedTerm.set(node, Math.max(term, this.#appliedTerm.get(node) ?? 0));
    const waiting = this.#waitingAt(node);
    for (const fate of waiting) if (fate.term <= term) waiting.delete(fate);
  }

  onCrash(node: ObservedNode): void {
    this.#waiting.delete(node);
    this.#appliedTerm.delete(node);
  }

  onInputs(): void {
    for (; this.#seen < this.#ledger.committed.length; this.#seen += 1) {
      this.#committed(this.#ledger.committed[this.#seen] as Entry);
    }
  }

  #committed(entry: Entry): void {
    const { proposal, index, term } = entry;
    if (proposal === null) return;
    const fate = this.#fates.get(`${proposal.origin}/${proposal.sequence}`);
    check(fate !== undefined, RULE, 'only what was proposed is committed', { index, proposal });
    check(fate.index === null, RULE, 'a command is committed once', { index, before: fate.index, proposal });
    fate.index = index;
    check(fate.term === term, RULE, 'a command is committed in its term', { index, term, fence: fate.term, proposal });
    this.#checkRefusal(fate);
  }

  #refuse(fate: Fate, reason: string): void {
    fate.refused = reason;
    this.#waitingAt(fate.node).delete(fate);
    this.#checkRefusal(fate);
  }

  #checkRefusal({ refused, index, node, term }: Fate): void {
    const context = { index, reason: refused, node: node.id, term };
    check(refused === null || index === null, RULE, 'what was called not applied is not committed', context);
  }

  #waitingAt(node: ObservedNode): Set<Fate> {
    let waiting = this.#waiting.get(node);
    if (waiting === undefined) {
      waiting = new Set();
      this.#waiting.set(node, waiting);
    }
    return waiting;
  }
}
