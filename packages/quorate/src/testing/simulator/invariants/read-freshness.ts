/**
 * The promise of the read path (R1 to R4): a read's bound is at least the index of everything that any client was
 * told of, anywhere, before the read was given to its node: acknowledged writes, and what completed reads have seen.
 * No clock of any node takes part.
 */
import type { Entry, Proposal, ReadResult } from '../../../core/index.js';
import type { Ledger } from '../ledger.js';
import type { ObservedNode, Observer } from '../observer.js';
import { check } from './violation.js';

const RULE = 'read freshness';

export class ReadFreshness implements Observer {
  readonly #ledger: Ledger;
  /** Of every read under way: what clients knew when it started. */
  readonly #floors = new Map<string, number>();
  /** Writes whose proposer waits to see them applied. */
  readonly #proposed = new Set<string>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  onProposed(node: ObservedNode, proposal: Proposal): void {
    this.#proposed.add(`${node.bootId}/${proposal.id.sequence}`);
  }

  onApplied(node: ObservedNode, entry: Entry): void {
    const { proposal } = entry;
    if (proposal === null || proposal.origin !== node.bootId) return;
    if (this.#proposed.delete(`${proposal.origin}/${proposal.sequence}`)) this.#told(entry.index);
  }

  onReadStarted(node: ObservedNode, read: number): void {
    this.#floors.set(`${node.bootId}/${read}`, this.#ledger.floor);
  }

  onReadCancelled(node: ObservedNode, read: number): void {
    this.#floors.delete(`${node.bootId}/${read}`);
  }

  onReadEnded(node: ObservedNode, result: ReadResult): void {
    const name = `${node.bootId}/${result.read}`;
    const floor = this.#floors.get(name);
    this.#floors.delete(name);
    if (!result.ok || floor === undefined) return;
    const { read: boundRequest, index, term } = result;
    const context = { node: node.id, boundRequest, index, term, floor };
    check(result.index >= floor, RULE, 'the bound covers what was acknowledged before', context);
    const { committed, leaders, firstIndexOf } = this.#ledger;
    check(result.index <= committed.length, RULE, 'the bound is committed', {
      ...context,
      committed: committed.length,
    });
    check(leaders.has(result.term), RULE, 'the bound is of a term with a leader', context);
    const first = firstIndexOf.get(result.term);
    check(first !== undefined, RULE, 'an entry of the term is committed (R1)', context);
    check(result.index >= first, RULE, 'the bound is at least the first index of the term (R1)', { ...context, first });
  }

  #told(index: number): void {
    this.#ledger.floor = Math.max(this.#ledger.floor, index);
  }
}
