/**
 * What the world knows of a node's log: what the core handed to it, and what of that was called durable. After a crash
 * the real log must find the durable part again, and of the rest a prefix that may have reached the disk
 * unacknowledged. It must never believe the log itself.
 */
import type { Entry, HardState, Persist } from '../../core/index.js';
import { invariant } from '../../errors/index.js';
import { sameEntry } from './same-entry.js';

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

  /** The same entries, term and vote. The commit index is only a hint, and may be older. */
  holds({ term, vote }: HardState, entries: readonly Entry[]): boolean {
    const { hardState } = this;
    if (term !== hardState.term || vote !== hardState.vote || entries.length !== this.lastIndex) return false;
    return this.entries.every((entry, position) => sameEntry(entry, entries[position] as Entry));
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

  /** Steps up to `number` become durable, and those after them that need not be written; `each` sees it happen. */
  completeThrough(number: number, each: (step: Persist) => void): void {
    for (let step = this.#underWay[0]; step !== undefined; step = this.#underWay[0]) {
      if (step.number > number && step.mustSync) return;
      each(this.#complete());
    }
  }

  /** The oldest step under way becomes durable; returns it. */
  #complete(): Persist {
    const step = this.#underWay.shift();
    invariant(step !== undefined, 'a step is under way');
    this.#durable.apply(step);
    return step;
  }

  /**
   * The process has started again, and this is what it found: what was durable, and a prefix of what was under way.
   * Returns how many steps are lost, or null when it found anything else.
   */
  recover({ hardState, entries }: { hardState: HardState; entries: readonly Entry[] }): number | null {
    const lost = this.#underWay.length;
    for (let count = 0; ; count += 1) {
      if (this.#durable.holds(hardState, entries)) {
        this.#underWay = [];
        this.#submitted = 0;
        this.#written = new LogImage(this.#durable.hardState, this.#durable.entries);
        return lost - count;
      }
      if (this.#underWay.length === 0) return null;
      this.#complete();
    }
  }
}
