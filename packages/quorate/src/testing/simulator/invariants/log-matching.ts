/**
 * Log Matching (Raft, section 5.3 and Figure 3): logs that agree on index and term of an entry agree on everything
 * before it. Checked as entries are written: (index, term) must fix the entry and the term of the one before, and the
 * rest follows by induction.
 */
import type { Entry, Persist } from '../../../core/index.js';
import type { ObservedNode, Observer } from '../observer.js';
import { sameEntry } from '../same-entry.js';
import { check } from './violation.js';

const RULE = 'log matching';

export class LogMatching implements Observer {
  readonly #known = new Map<string, { readonly entry: Entry; readonly previousTerm: number }>();

  onPersist(node: ObservedNode, step: Persist): void {
    for (const entry of step.entries) {
      const previous = node.log.written.entry(entry.index - 1);
      const previousTerm = previous?.term ?? 0;
      const position = { node: node.id, index: entry.index, term: entry.term, previousTerm };
      check(previousTerm <= entry.term, RULE, 'terms never decrease along a log', position);
      const laterOrSame = (previous?.timestampMs ?? 0) <= entry.timestampMs;
      check(laterOrSame, RULE, 'timestamps never decrease along a log', position);
      const name = `${entry.index}/${entry.term}`;
      const known = this.#known.get(name);
      if (known === undefined) {
        this.#known.set(name, { entry, previousTerm });
        continue;
      }
      check(sameEntry(known.entry, entry), RULE, 'index and term fix the entry', position);
      check(known.previousTerm === previousTerm, RULE, 'index and term fix the entry before', position);
    }
  }

  /** The property itself, on the whole logs, without the induction: index and term stand for the entry. */
  onFullCheck(nodes: readonly ObservedNode[]): void {
    for (const [position, one] of nodes.entries()) {
      for (const other of nodes.slice(position + 1)) checkPair(one, other);
    }
  }
}

function checkPair(one: ObservedNode, other: ObservedNode): void {
  const { entries } = one.log.written;
  const others = other.log.written.entries;
  let index = Math.min(entries.length, others.length);
  while (index > 0 && entries[index - 1]?.term !== others[index - 1]?.term) index -= 1;
  while (index > 0 && entries[index - 1]?.term === others[index - 1]?.term) index -= 1;
  const context = { one: one.id, other: other.id, index };
  check(index === 0, RULE, 'logs that agree on an entry agree on all before it', context);
}
