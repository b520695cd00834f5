/**
 * What the function of a read is told of its view, beside the view itself. It must cost next to nothing: one is made
 * for every read, and its signal only when somebody takes it.
 */
import type { Deadline } from './deadline.js';
import type { View } from './fsm.js';
import type { ReadIndex } from './leader.js';

/**
 * `index`, `term` and `source` are those of the bound; `term` fences a write that depends on what was read:
 * `propose(command, { ifTerm: view.term })`.
 */
export class ReadView implements ReadIndex {
  readonly index: number;
  readonly term: number;
  readonly source: string;
  /** The index of the very state that the function sees. */
  readonly appliedIndex: number;
  /** True when the view is at exactly `appliedIndex`; false when it is at least that new. */
  readonly exact: boolean;
  readonly #deadline: Deadline;

  constructor(view: View, bound: ReadIndex, deadline: Deadline) {
    this.index = bound.index;
    this.term = bound.term;
    this.source = bound.source;
    this.appliedIndex = view.appliedIndex;
    this.exact = view.exact;
    this.#deadline = deadline;
  }

  /** Aborted when the caller aborts. The deadline of the read ended when the function started. */
  get signal(): AbortSignal {
    return this.#deadline.functionSignal;
  }
}
