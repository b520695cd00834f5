/**
 * A node's log without a disk: what was handed to it, and what of that is durable. A crash loses the difference,
 * except for a prefix of the steps under way that may have reached the disk unacknowledged. It must never let a later
 * step survive an earlier one.
 */
import type { Entry, HardState, Persist } from '../../core/index.js';
import { invariant } from '../../errors/index.js';

/** A state of the log, as it would be found when opened. */
export class LogImage {
  hardState: HardState;
  readonly entries: Entry[];

  constructor(hardState: HardState, entries: readonly Entry[]) {
    this.hardState = hardState;
    this.entries = [...entries];
  }

  get lastIndex(): number {
    return this.entries.length;
  }

  /** The entry at an index, counted from 1. */
  entry(index: number): Entry | undefined {
    return this.entries[index - 1];
  }

  /** The term at an index; 0 before the first entry, undefined behind the last. */
  term(index: number): number | undefined {
    return index === 0 ? 0 : this.entry(index)?.term;
  }

  apply(step: Persist): void {
    const first = step.entries[0];
    if (first !== undefined) {
      invariant(first.index <= this.lastIndex + 1, 'a step leaves no gap in the log', {
        index: first.index,
        lastIndex: this.lastIndex,
      });
      this.entries.length = first.index - 1;
      for (const entry of step.entries) {
        invariant(entry.index === this.lastIndex + 1, 'the entries of a step have consecutive indexes', {
          index: entry.index,
          lastIndex: this.lastIndex,
        });
        this.entries.push(entry);
      }
    }
    this.hardState = step.hardState;
  }
}

export class SimulatedLog {
  readonly #durable = new LogImage({ term: 0, vote: null, commit: 0 }, []);
  #written = new LogImage({ term: 0, vote: null, commit: 0 }, []);
  #underWay: Persist[] = [];
  #submitted = 0;

  /** What a crash cannot take any more. */
  get durable(): LogImage {
    return this.#durable;
  }

  /** What the log holds once everything under way is durable: the node's own view of it. */
  get written(): LogImage {
    return this.#written;
  }

  get underWay(): readonly Persist[] {
    return this.#underWay;
  }

  submit(step: Persist): void {
    invariant(step.number === this.#submitted + 1, 'steps are numbered from 1 without gaps', {
      number: step.number,
      submitted: this.#submitted,
    });
    this.#submitted = step.number;
    this.#underWay.push(step);
    this.#written.apply(step);
  }

  /** The oldest step under way becomes durable; returns it. */
  complete(): Persist {
    const step = this.#underWay.shift();
    invariant(step !== undefined, 'a step is under way');
    this.#durable.apply(step);
    return step;
  }

  /**
   * The process is gone. `kept` steps of those under way had reached the disk all the same. Returns how many are
   * lost.
   */
  crash(kept: number): number {
    for (let count = 0; count < kept; count += 1) this.complete();
    const lost = this.#underWay.length;
    this.#underWay = [];
    this.#submitted = 0;
    this.#written = new LogImage(this.#durable.hardState, this.#durable.entries);
    return lost;
  }
}
