/**
 * The events of the newest entries as they go to watches. Most watches want the same of an entry, so it is encoded once
 * and they share the bytes; what is kept is bounded, and what is not kept is encoded again.
 */
import type { ChangedEntry } from 'quorate/client';
import type { TakenEntry } from '../store/change-history.js';

/** Of all events that are kept. */
const MAX_BYTES = 8 * 1024 * 1024;
/** What an event takes beside its bytes, roughly. */
const EVENT_BYTES = 200;

export class EncodedEntries {
  readonly #encode: (entry: ChangedEntry, source: string) => Buffer;
  /** Oldest first. By the entry itself, which lasts; a part of one is never asked for again. */
  readonly #events = new Map<ChangedEntry, Buffer>();
  #bytes = 0;
  #source = '';

  /** `encode` must always make the same of an entry. */
  constructor(encode: (entry: ChangedEntry, source: string) => Buffer) {
    this.#encode = encode;
  }

  /** `source`: the cluster id, in the name of which they are told. */
  of(entry: TakenEntry, source: string): Buffer {
    if (entry.isPart) return this.#encode(entry, source);
    if (source !== this.#source) {
      this.#events.clear();
      this.#bytes = 0;
      this.#source = source;
    }
    const known = this.#events.get(entry);
    if (known !== undefined) return known;
    const event = this.#encode(entry, source);
    this.#events.set(entry, event);
    this.#bytes += event.byteLength + EVENT_BYTES;
    for (const [oldest, { byteLength }] of this.#events) {
      if (this.#bytes <= MAX_BYTES) break;
      this.#events.delete(oldest);
      this.#bytes -= byteLength + EVENT_BYTES;
    }
    return event;
  }
}
