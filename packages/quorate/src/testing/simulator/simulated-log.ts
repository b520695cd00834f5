/**
 * What the world knows of a node's log: what the core handed to it, and what of that was called durable. After a crash
 * the real log must find the durable part again, and of the rest a prefix that may have reached the disk
 * unacknowledged. It must never believe the log itself.
 */
import type { Entry, HardState, LogStart, Persist } from '../../core/index.js';
import { invariant } from '../../errors/index.js';
import { check } from './invariants/violation.js';
import { sameEntry } from './same-entry.js';

/** What a log says that it holds. */
export interface FoundLog {
  readonly hardState: HardState;
  readonly start: LogStart;
  readonly entries: readonly Entry[];
}

/** A state of the log, as it would be found when opened; what was cut off its beginning is still in it. */
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

  /**
   * The same term and vote, and the same entries behind the start. The commit index is only a hint, and may be older.
   */
  holds({ hardState: { term, vote }, start, entries }: FoundLog): boolean {
    const { hardState } = this;
    if (term !== hardState.term || vote !== hardState.vote || start.index + entries.length !== this.lastIndex)
      return false;
    if (this.term(start.index) !== start.term) return false;
    return entries.every((entry, position) => sameEntry(entry, this.entries[start.index + position] as Entry));
  }

  /** `committed`: what a snapshot stands for that a step begins with. */
  apply(step: Persist, committed: readonly Entry[]): void {
    const { restart } = step;
    if (restart !== null) {
      const isTrue = committed[restart.index - 1]?.term === restart.term;
      check(isTrue, 'committed never changes', 'a log begins anew behind what is committed', { restart });
      this.entries.splice(0, this.entries.length, ...committed.slice(0, restart.index));
    }
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
  readonly #committed: readonly Entry[];

  /** `committed`: all entries that are, from index 1. */
  constructor(committed: readonly Entry[]) {
    this.#committed = committed;
  }

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
    this.#written.apply(step, this.#committed);
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
    this.#durable.apply(step, this.#committed);
    return step;
  }

  /**
   * The process has started again, and this is what it found: what was durable, and a prefix of what was under way.
   * Returns how many steps are lost, or null when it found anything else.
   */
  recover(found: FoundLog): number | null {
    const lost = this.#underWay.length;
    for (let count = 0; ; count += 1) {
      if (this.#durable.holds(found)) {
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
