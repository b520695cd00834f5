/**
 * A page of a range as it is collected: how much of it there may be, and where the next one begins. A long page is
 * taken from a view that is held, with turns of the loop in between; it must be the page that one step would give.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Entry, RangePage } from 'quorate/client';
import type { ExportView } from './export-view.js';

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

/** Takes as many steps as it needs, and releases the view. */
export async function readLongPage(view: ExportView, limit: number): Promise<RangePage> {
  const page = new PageInProgress(limit);
  try {
    for (let entries = view.next(); entries !== null; entries = view.next()) {
      for (const entry of entries) {
        const whole = page.add(entry);
        if (whole !== null) return whole;
      }
      await nextTurn();
    }
    return page.last();
  } finally {
    view.release();
  }
}
