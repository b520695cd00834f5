/**
 * A page of a range as it is collected, in one step or in several: how much of it there may be, and where the next one
 * begins. What is in it must never depend on the steps.
 */
import type { Entry, RangePage } from 'quorate/client';

/** Values of one page together, in bytes; the first entry always fits. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

export class PageInProgress {
  readonly #limit: number;
  readonly #entries: Entry[] = [];
  #bytes = 0;

  /** `limit`: how many entries it has at most. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Null when the entry is in the page; the whole page when it is full, and the next one begins with the entry. */
  add(entry: Entry): RangePage | null {
    this.#bytes += entry.value.byteLength;
    const isFull = this.#entries.length === this.#limit || this.#bytes > MAX_PAGE_BYTES;
    if (isFull && this.#entries.length > 0) return { entries: this.#entries, next: entry.key };
    this.#entries.push(entry);
    return null;
  }

  /** When there are no more entries. */
  last(): RangePage {
    return { entries: this.#entries, next: null };
  }
}
