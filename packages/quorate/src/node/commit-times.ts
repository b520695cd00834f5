/**
 * How long the entries of a leader take from its log to their commit, for figures. It holds one mark for each step of
 * the log that is not committed, and must be reset when the term ends: what is left then may never be committed.
 */

interface Mark {
  /** Of the last entry that was appended then. */
  readonly index: number;
  readonly atMs: number;
}

export class CommitTimes {
  #term = 0;
  #marks: Mark[] = [];

  /** Entries up to `index` were appended in `term`, which this node leads. */
  appended(term: number, mark: Mark): void {
    if (term !== this.#term) this.reset();
    this.#term = term;
    this.#marks.push(mark);
  }

  /** Everything up to `index` is committed: the marks of what is so now. */
  committed(index: number): readonly Mark[] {
    const left = this.#marks.findIndex((mark) => mark.index > index);
    return this.#marks.splice(0, left === -1 ? this.#marks.length : left);
  }

  /** Forgets what is not committed: leadership has ended, or nobody wants to know. */
  reset(): void {
    if (this.#marks.length > 0) this.#marks = [];
  }
}
