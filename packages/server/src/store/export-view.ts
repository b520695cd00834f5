/**
 * One view of a range of keys, kept while it is read to the end, however long that takes: writes go on and do not show
 * in it. It must be released, for what it holds on to is kept until then.
 */
import type { Entry, StoredValue } from 'quorate/client';
import { firstKey } from './key-value.js';
import type { HeldKeys, KeyValueView } from './key-value-state.js';

/** Entries of one step, and bytes of their values: the step stays short. */
const STEP_ENTRIES = 250;
const STEP_BYTES = 256 * 1024;

export interface ExportRequest {
  /** Keys that begin with this. */
  readonly prefix: string;
  /** Keys from this one on. */
  readonly start: string;
}

export interface ExportView {
  /** The next entries, in the order of the keys, as many as one short step may take; null behind the last. */
  next(): readonly Entry[] | null;
  /** Lets the view go. May be called more than once. */
  release(): void;
}

/** Over keys that it holds on to: on the disk a view, in memory a copy that shares what is not written to. */
export class HeldExportView implements ExportView {
  readonly #prefix: string;
  readonly #held: HeldKeys;
  #entries: Iterator<readonly [string, StoredValue]> | null;

  /** Throws Overloaded when too many views are held. */
  constructor(view: KeyValueView, request: ExportRequest) {
    this.#prefix = request.prefix;
    this.#held = view.hold();
    this.#entries = this.#held.keys.entries(firstKey(request))[Symbol.iterator]();
  }

  next(): readonly Entry[] | null {
    this.#held.renew();
    const taken: Entry[] = [];
    let bytes = 0;
    while (this.#entries !== null && taken.length < STEP_ENTRIES && bytes < STEP_BYTES) {
      const { done, value: [key, stored] = ['', null] } = this.#entries.next();
      if (done || stored === null || !key.startsWith(this.#prefix)) this.release();
      else {
        taken.push({ key, ...stored });
        bytes += stored.value.byteLength;
      }
    }
    return taken.length > 0 ? taken : null;
  }

  release(): void {
    this.#entries = null;
    this.#held.release();
  }
}
