/**
 * One view of a range of keys, kept while it is read to the end, however long that takes: writes go on and do not show
 * in it. It must be released, for what it holds on to is kept until then.
 */
import type { Entry, StoredValue } from 'quorate/client';
import { firstKey } from './key-value.js';
import type { KeyValueView } from './key-value-state.js';

/** Entries of one step, and bytes of their values: the step stays short. */
const STEP_ENTRIES = 1_000;
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

/** Over a copy of the tree: it shares its nodes with the state until one of them is written to. */
export class MemoryExportView implements ExportView {
  readonly #prefix: string;
  #entries: Iterator<readonly [string, StoredValue]> | null;

  constructor(view: KeyValueView, request: ExportRequest) {
    this.#prefix = request.prefix;
    this.#entries = view.keys.clone().entries(firstKey(request))[Symbol.iterator]();
  }

  next(): readonly Entry[] | null {
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
  }
}
