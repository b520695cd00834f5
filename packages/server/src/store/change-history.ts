/**
 * The last changes of this replica, in memory, for those who watch. They all read the same history, each from a place
 * of its own: a reader that is slow costs nothing, and one that falls out of the history is told so. Nothing may be
 * seen here before readers of the state can see it, and nobody may hold up what is applied.
 */
import type { Change, ChangedEntry } from 'quorate/client';
import { WatchExpired } from 'quorate/client';
import { checkInteger, invariant } from 'quorate/errors';
import { ChangeCursor } from './change-cursor.js';

export interface ChangeHistoryOptions {
  /** Entries that are kept at most: 1 to 10,000,000. Default 100,000. */
  readonly maxEntries?: number;
  /** Bytes that they take at most: 1 to 2^40. The newest entry is kept in any case. Default 64 MiB. */
  readonly maxBytes?: number;
}

export interface WatchRequest {
  /** Changes of keys that begin with this. */
  readonly prefix: string;
  /** The index of the first change wanted. */
  readonly from: number;
}

/** For a watch: an entry with all that it changed, which all watches share, or a part that was made for this one. */
export interface TakenEntry extends ChangedEntry {
  readonly isPart: boolean;
}

interface Kept extends TakenEntry {
  readonly bytes: number;
}

/** What a change takes beside its key and value, roughly. */
const CHANGE_BYTES = 200;
/** Of keys with prefixes, when a batch is published: about a millisecond. */
const MAX_COMPARISONS = 20_000;

export class ChangeHistory {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  /** The entry with the sequence number n is in the slot n modulo `maxEntries`. */
  readonly #slots: Kept[] = [];
  #first = 0;
  #next = 0;
  #bytes = 0;
  /** Recorded, but not visible to readers yet. */
  #pending: Kept[] = [];
  #appliedIndex = 0;
  #oldest = 1;
  /** How often the state was replaced: positions from before mean nothing any more. */
  #generation = 0;
  readonly #waiting = new Set<ChangeCursor>();

  /** Throws InvalidArgument. */
  constructor(options: ChangeHistoryOptions = {}) {
    this.#maxEntries = checkInteger('maxEntries', options.maxEntries ?? 100_000, 1, 10_000_000);
    this.#maxBytes = checkInteger('maxBytes', options.maxBytes ?? 64 * 1024 * 1024, 1, 2 ** 40);
  }

  /** Everything up to here has been published. */
  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** The smallest `from` that can be served. */
  get oldest(): number {
    return this.#oldest;
  }

  /** A batch begins with this index. When that is not the next one, the state was replaced: the history begins anew. */
  begin(index: number): void {
    this.#pending = [];
    if (index === this.#appliedIndex + 1) return;
    while (this.#first < this.#next) this.#dropFirst();
    this.#appliedIndex = index - 1;
    this.#oldest = index;
    this.#generation += 1;
    this.#wakeAll();
  }

  /** Within a batch: what the entry has changed. Nobody sees it before `publish`. */
  record(index: number, term: number, changes: readonly Change[]): void {
    if (changes.length === 0) return;
    const bytes = changes.reduce((sum, change) => sum + CHANGE_BYTES + sizeOf(change), 0);
    this.#pending.push({ kind: 'change', index, term, changes, isPart: false, bytes });
  }

  /** The batch is visible to readers, up to this index. */
  publish(appliedIndex: number): void {
    invariant(appliedIndex >= this.#appliedIndex, 'what is applied is published in order', { appliedIndex });
    const published = this.#pending;
    this.#pending = [];
    for (const entry of published) this.#keep(entry);
    this.#appliedIndex = appliedIndex;
    const changed = published.reduce((sum, { changes }) => sum + changes.length, 0);
    // Otherwise they all look for themselves, each in a step of its own.
    const canCompare = changed * this.#waiting.size <= MAX_COMPARISONS;
    const isFor = ({ prefix }: ChangeCursor) =>
      published.some(({ changes }) => changes.some(({ key }) => key.startsWith(prefix)));
    for (const cursor of [...this.#waiting]) {
      if (!canCompare || isFor(cursor)) this.#wake(cursor);
      else cursor.skip(this.#next, appliedIndex);
    }
  }

  /** Throws WatchExpired when the changes from `from` on are not all there any more. */
  open(request: WatchRequest): ChangeCursor {
    if (request.from < this.#oldest) throw new WatchExpired({ from: request.from, oldest: this.#oldest });
    return new ChangeCursor(this, request, { sequence: this.#find(request.from), generation: this.#generation });
  }

  /** For cursors: the entry with this sequence number; null behind the last. */
  entry(sequence: number): Kept | null {
    return sequence < this.#next ? (this.#slots[sequence % this.#maxEntries] as Kept) : null;
  }

  /** For cursors: throws WatchExpired when what follows `upTo` is not all there any more. */
  check(upTo: number, generation: number): void {
    if (generation === this.#generation && upTo + 1 >= this.#oldest) return;
    throw new WatchExpired({ from: upTo + 1, oldest: this.#oldest });
  }

  /** For cursors: the next batch with a change for it wakes it. */
  wait(cursor: ChangeCursor): void {
    this.#waiting.add(cursor);
  }

  leave(cursor: ChangeCursor): void {
    this.#waiting.delete(cursor);
  }

  #keep(entry: Kept): void {
    if (this.#next - this.#first === this.#maxEntries) this.#dropFirst();
    this.#slots[this.#next % this.#maxEntries] = entry;
    this.#next += 1;
    this.#bytes += entry.bytes;
    while (this.#bytes > this.#maxBytes && this.#next - this.#first > 1) this.#dropFirst();
  }

  #dropFirst(): void {
    const at = this.#first % this.#maxEntries;
    const { index, bytes } = this.#slots[at] as Kept;
    // The slot is filled again soon; what it holds must not stay in memory until then.
    this.#slots[at] = DROPPED;
    this.#first += 1;
    this.#bytes -= bytes;
    this.#oldest = index + 1;
  }

  /** The first sequence number whose entry is at `index` or behind it. */
  #find(index: number): number {
    let low = this.#first;
    let high = this.#next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#slots[middle % this.#maxEntries] as Kept).index < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #wakeAll(): void {
    for (const cursor of [...this.#waiting]) this.#wake(cursor);
  }

  #wake(cursor: ChangeCursor): void {
    this.#waiting.delete(cursor);
    cursor.wake();
  }
}

const DROPPED: Kept = { kind: 'change', index: 0, term: 0, changes: [], isPart: false, bytes: 0 };

function sizeOf(change: Change): number {
  // Keys are mostly ASCII; two bytes a character is what other text takes.
  return 2 * change.key.length + (change.kind === 'put' ? change.value.byteLength : 0);
}
