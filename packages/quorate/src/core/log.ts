/**
 * The log as the core sees it: the entries behind its beginning, and how far each has come: handed to the disk,
 * durable, committed, handed out to be applied, applied. It must never drop an entry that is committed and in no
 * snapshot, nor hand one out before it is durable on this node (R12).
 */
import { invariant } from '../errors/index.js';
import { type Entry, entryBytes, FROM_THE_BEGINNING, type LogPosition, type LogStart } from './entry.js';

export class Log {
  /** The last entry that was cut off at the beginning; index 0 when none was. */
  #start: LogStart;
  /** `#entries[i]` has index `#start.index + 1 + i`. */
  #entries: Entry[];
  /** Steps handed to the disk and not yet durable: up to which index the log is durable once the step is. */
  #steps: { readonly number: number; lastIndex: number }[] = [];
  #durableStep = 0;
  #handedOut: number;
  #durable: number;
  #committed: number;
  #applying: number;
  #applied: number;

  /** All `entries` are durable, and follow `start`; `applied` is what the state machine holds already. */
  constructor(entries: readonly Entry[], committed: number, applied: number, start = FROM_THE_BEGINNING) {
    this.#start = start;
    this.#entries = [...entries];
    this.#entries.forEach((entry, i) => {
      const index = start.index + 1 + i;
      invariant(entry.index === index, 'the log has no gaps', { index: entry.index, position: index });
      invariant(entry.term >= this.termAt(index - 1), 'terms never decrease along the log', { index });
    });
    const last = this.lastIndex;
    const context = { applied, committed, start: start.index, last };
    invariant(Math.max(applied, committed) <= last, 'what is applied or committed is in the log', context);
    invariant(applied >= start.index, 'what was cut off the log is in the state', context);
    this.#handedOut = this.#durable = last;
    // The commit index may be forgotten in a crash (it alone is not worth a write); what was applied was committed.
    this.#committed = Math.max(committed, applied);
    this.#applying = this.#applied = applied;
  }

  /** The last entry that was cut off: what comes before is in a snapshot only. */
  get start(): LogPosition {
    return this.#start;
  }

  get lastIndex(): number {
    return this.#start.index + this.#entries.length;
  }

  get last(): LogPosition {
    return { index: this.lastIndex, term: this.termAt(this.lastIndex) };
  }

  get lastTimestampMs(): number {
    return (this.#entries.at(-1) ?? this.#start).timestampMs;
  }

  /** Everything up to here is durable on this node. */
  get durable(): number {
    return this.#durable;
  }

  get committed(): number {
    return this.#committed;
  }

  get applied(): number {
    return this.#applied;
  }

  /** The entry at `index` as the beginning of a log. It must be there. */
  startAt(index: number): LogStart {
    if (index === this.#start.index) return this.#start;
    const entry = this.#entry(index);
    invariant(entry !== undefined, 'a log begins behind an entry that it has', { index, start: this.#start.index });
    return { index, term: entry.term, timestampMs: entry.timestampMs };
  }

  /** The term of the entry at `index`; 0 before the first entry, -1 (no term) beyond the last and where it was cut. */
  termAt(index: number): number {
    if (index === this.#start.index) return this.#start.term;
    return this.#entry(index)?.term ?? -1;
  }

  #entry(index: number): Entry | undefined {
    return this.#entries[index - this.#start.index - 1];
  }

  matches(position: LogPosition): boolean {
    return this.termAt(position.index) === position.term;
  }

  /** True when a snapshot up to `position`, which is committed, has what this log has not. */
  lacks(position: LogPosition): boolean {
    return position.index > this.#committed && !this.matches(position);
  }

  /** Where this log could begin so that it holds at most so many bytes of entries; at least one entry stays. */
  startWithin(maxBytes: number): number {
    let place = this.#entries.length;
    let bytes = 0;
    while (place > 0) {
      bytes += entryBytes(this.#entries[place - 1] as Entry);
      if (bytes > maxBytes && place < this.#entries.length) break;
      place -= 1;
    }
    return this.#start.index + place;
  }

  /** True when a log ending in `other` has everything this one may have committed (Raft, section 5.4.1). */
  isUpToDate(other: LogPosition): boolean {
    const own = this.last;
    return other.term > own.term || (other.term === own.term && other.index >= own.index);
  }

  /**
   * The last index at or below `index` whose term is at most `term`: where two logs may still agree. Where this log was
   * cut it is committed, and they do.
   */
  lastIndexWithin(index: number, term: number): number {
    let at = Math.min(index, this.lastIndex);
    while (at > this.#start.index && this.termAt(at) > term) at--;
    return Math.max(at, Math.min(index, this.#start.index));
  }

  /**
   * Entries from `index` up to `last`, as many as fit `maxBytes`, but at least one if there is one. `index` must be
   * behind the start.
   */
  entriesFrom(index: number, maxBytes: number, last = this.lastIndex): readonly Entry[] {
    const { index: start } = this.#start;
    invariant(index > start, 'entries that were cut off are not sent', { index, start });
    let end = index - 1;
    for (let bytes = 0; end < last; end++) {
      bytes += entryBytes(this.#entry(end + 1) as Entry);
      if (bytes > maxBytes && end >= index) break;
    }
    return this.#entries.slice(index - 1 - start, end - start);
  }

  /** Adds entries at the end. Only a leader in whose term they are may do so. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      invariant(entry.index === this.lastIndex + 1, 'entries are appended without gaps', { index: entry.index });
      this.#entries.push(entry);
    }
  }

  /**
   * Takes a leader's entries, which follow an entry that matched. What is there already stays; a conflicting tail
   * goes.
   */
  merge(entries: readonly Entry[]): void {
    const firstNew = entries.findIndex(
      (entry) => entry.index > this.#start.index && this.termAt(entry.index) !== entry.term,
    );
    if (firstNew === -1) return;
    const fresh = entries.slice(firstNew);
    this.#truncateFrom((fresh[0] as Entry).index);
    this.append(fresh);
  }

  #truncateFrom(index: number): void {
    if (index > this.lastIndex) return;
    invariant(index > this.#committed, 'a committed entry is never replaced', { index, committed: this.#committed });
    this.#entries.length = index - 1 - this.#start.index;
    this.#handedOut = Math.min(this.#handedOut, index - 1);
    this.#durable = Math.min(this.#durable, index - 1);
    // A step under way wrote the old tail: once durable it says nothing of the new one, even if that has the same
    // terms.
    for (const step of this.#steps) step.lastIndex = Math.min(step.lastIndex, index - 1);
  }

  /** Steps are under way to the disk. */
  get isPersisting(): boolean {
    return this.#steps.length > 0;
  }

  /** The newest step that is durable, 0 before the first. */
  get durableStep(): number {
    return this.#durableStep;
  }

  get hasUnpersisted(): boolean {
    return this.#handedOut < this.lastIndex;
  }

  /** What no step has taken to the disk yet, a new beginning and entries; from now on step `number` has. */
  takeUnpersisted(number: number): { readonly restart: LogStart | null; readonly entries: readonly Entry[] } {
    const restart = this.#handedOut < this.#start.index ? this.#start : null;
    const entries = this.#entries.slice(restart === null ? this.#handedOut - this.#start.index : 0);
    this.#handedOut = this.lastIndex;
    this.#steps.push({ number, lastIndex: this.lastIndex });
    return { restart, entries };
  }

  /** Step `number` and all before it are durable. */
  persisted(number: number): void {
    for (let step = this.#steps[0]; step !== undefined && step.number <= number; step = this.#steps[0]) {
      this.#durable = Math.max(this.#durable, step.lastIndex);
      this.#durableStep = step.number;
      this.#steps.shift();
    }
  }

  /** Cuts off the beginning, up to `index`: a snapshot that is durable contains it. */
  cutTo(index: number): void {
    if (index <= this.#start.index) return;
    const context = { index, applied: this.#applied, durable: this.#durable };
    invariant(index <= this.#applied && index <= this.#durable, 'only what is applied and durable is cut off', context);
    const start = this.startAt(index);
    this.#entries = this.#entries.slice(index - this.#start.index);
    this.#start = start;
  }

  /**
   * Begins anew behind a snapshot of a leader's, in place of a log that lacks its last entry. That position counts as
   * durable with the next step, and as applied when the caller says so.
   */
  restart(start: LogStart): void {
    const context = { index: start.index, committed: this.#committed };
    invariant(this.lacks(start), 'only a log that lacks it is replaced', context);
    // What was committed is the same in both; of the rest of the old log nothing counts any more.
    this.#durable = Math.min(this.#durable, this.#committed);
    for (const step of this.#steps) step.lastIndex = Math.min(step.lastIndex, this.#committed);
    this.#entries = [];
    this.#start = start;
    this.#committed = this.#applying = start.index;
    this.#handedOut = start.index - 1;
  }

  /** Moves the commit index on; never back. */
  commitTo(index: number): void {
    if (index <= this.#committed) return;
    invariant(index <= this.lastIndex, 'only entries that exist are committed', { index, last: this.lastIndex });
    this.#committed = index;
  }

  get hasCommitted(): boolean {
    return this.#applied >= this.#start.index && this.#applying < Math.min(this.#committed, this.#durable);
  }

  /**
   * Entries to apply next: committed and durable here (R12). Each is handed out once, and at least one if there is
   * one.
   */
  takeCommitted(maxBytes: number): readonly Entry[] {
    if (!this.hasCommitted) return [];
    const end = Math.min(this.#committed, this.#durable);
    const entries = this.entriesFrom(this.#applying + 1, maxBytes, end);
    this.#applying += entries.length;
    return entries;
  }

  appliedTo(index: number): void {
    invariant(index >= this.#applied && index <= this.#applying, 'entries are applied once handed out, in order', {
      index,
      applied: this.#applied,
      applying: this.#applying,
    });
    this.#applied = index;
  }

  /** The bytes of the entries that are not committed. */
  uncommittedBytes(): number {
    return this.bytesBetween(this.#committed, this.lastIndex);
  }

  /** The bytes of the entries after `from`, up to and including `to`. */
  bytesBetween(from: number, to: number): number {
    let bytes = 0;
    for (let index = from + 1; index <= to; index++) bytes += entryBytes(this.#entry(index) as Entry);
    return bytes;
  }
}
