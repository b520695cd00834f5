/**
 * Term, commit and applied index of a node never go back while it lives (Raft, section 5.1 and Figure 2), nor does the
 * durable term over its lives. What the core believes must be what it handed to the log, or something it relies on is
 * missing on the disk.
 */
import type { CoreStatus, Persist } from '../../../core/index.js';
import type { ObservedNode, Observer } from '../observer.js';
import { check } from './violation.js';

const RULE = 'monotonic state';

export class MonotonicState implements Observer {
  readonly #last = new Map<ObservedNode, CoreStatus>();
  readonly #durableTerm = new Map<ObservedNode, number>();

  onStart(node: ObservedNode): void {
    this.#last.delete(node);
    const status = node.status();
    const { hardState } = node.log.durable;
    check(status?.term === hardState.term, RULE, 'a node starts in its durable term', {
      node: node.id,
      hardState,
      status,
    });
  }

  onDurable(node: ObservedNode, step: Persist): void {
    const { term } = step.hardState;
    const before = this.#durableTerm.get(node) ?? 0;
    check(term >= before, RULE, 'the durable term never goes back', { node: node.id, before, term });
    this.#durableTerm.set(node, term);
  }

  onTurn(node: ObservedNode, status: CoreStatus): void {
    const before = this.#last.get(node) ?? status;
    this.#last.set(node, status);
    const { lastIndex, hardState } = node.log.written;
    const context = { node: node.id, before, status, lastIndex, hardState };
    check(status.term >= before.term, RULE, 'the term never goes back', context);
    check(status.commit >= before.commit, RULE, 'the commit never goes back', context);
    check(status.applied >= before.applied, RULE, 'applied never goes back', context);
    check(status.lastIndex === lastIndex, RULE, 'the whole log was handed to the disk', context);
    check(status.term === hardState.term, RULE, 'the term was handed to the disk', context);
  }
}
