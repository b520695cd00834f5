/**
 * The state of the key-value application over tables of bytes, as commands change it and readers see it. The numbers
 * are in a table of their own, so that they change in the transaction of the command (decision 16): nothing of the
 * state must ever be kept beside the tables.
 */
import type { StoredValue } from 'quorate/client';
import type { ReadableTable as KeptReadableTable, Table as KeptTable, ReadableTables, Tables } from 'quorate/lmdb';
import type { KeyValueState, OrderedTable, ReadableTable } from './key-value-state.js';
import { type STATE_NUMBERS, STATE_TABLES, type TableForm } from './state-tables.js';

/** What the keys of each table are. */
export const KINDS = {
  keys: STATE_TABLES.keys.kind,
  requests: STATE_TABLES.requests.kind,
  requestOrder: STATE_TABLES.requestOrder.kind,
  numbers: STATE_TABLES.numbers.kind,
} as const;

export type StateTables = ReadableTables<typeof KINDS>;

/** The tables of one batch of commands. */
export class LmdbState implements KeyValueState {
  readonly keys: KeyValueState['keys'];
  readonly requests: KeyValueState['requests'];
  readonly requestOrder: KeyValueState['requestOrder'];
  readonly #numbers: OrderedTable<string, number>;

  constructor({ keys, requests, requestOrder, numbers }: Tables<typeof KINDS>) {
    this.keys = new EncodedTable(keys, STATE_TABLES.keys);
    this.requests = new EncodedTable(requests, STATE_TABLES.requests);
    this.requestOrder = new EncodedTable(requestOrder, STATE_TABLES.requestOrder);
    this.#numbers = new EncodedTable(numbers, STATE_TABLES.numbers);
  }

  get requestCount(): number {
    return this.#number('requestCount');
  }

  set requestCount(value: number) {
    this.#numbers.set('requestCount', value);
  }

  get evictedThrough(): number {
    return this.#number('evictedThrough');
  }

  set evictedThrough(value: number) {
    this.#numbers.set('evictedThrough', value);
  }

  #number(name: (typeof STATE_NUMBERS)[number]): number {
    return this.#numbers.get(name) ?? 0;
  }
}

/** The keys of a view. */
export function keysOf({ keys }: StateTables): ReadableTable<string, StoredValue> {
  return new ReadableEncodedTable(keys, STATE_TABLES.keys);
}

/** Longer than every key (key.ts), and not too long for the table. */
const MAX_START_BYTES = 1_900;

/** Where a walk begins, as the table takes it: it refuses what no key can be, such as the start of everything. */
function startOf<Kept extends string | Uint8Array>(from: Kept): Kept | undefined {
  if (from.length === 0) return undefined;
  if (typeof from !== 'string' || Buffer.byteLength(from) <= MAX_START_BYTES) return from;
  // No key is that long, so that all are on the same side of what is left. A character that is cut is left out.
  const cut = Buffer.from(from).subarray(0, MAX_START_BYTES);
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(cut, { stream: true }) as Kept;
}

class ReadableEncodedTable<Key, Value, Kept extends string | Uint8Array> implements ReadableTable<Key, Value> {
  readonly #table: KeptReadableTable<Kept>;
  readonly #form: TableForm<Key, Value, Kept>;

  constructor(table: KeptReadableTable<Kept>, form: TableForm<Key, Value, Kept>) {
    this.#table = table;
    this.#form = form;
  }

  get(key: Key): Value | undefined {
    const bytes = this.#table.get(this.#form.keep(key));
    return bytes === undefined ? undefined : this.#form.value.decode(bytes);
  }

  *entries(from?: Key): IterableIterator<readonly [Key, Value]> {
    const { keep, keyOf, value } = this.#form;
    const start = from === undefined ? undefined : startOf(keep(from));
    for (const [kept, bytes] of this.#table.entries(start)) yield [keyOf(kept), value.decode(bytes)];
  }
}

class EncodedTable<Key, Value, Kept extends string | Uint8Array>
  extends ReadableEncodedTable<Key, Value, Kept>
  implements OrderedTable<Key, Value>
{
  readonly #table: KeptTable<Kept>;
  readonly #form: TableForm<Key, Value, Kept>;

  constructor(table: KeptTable<Kept>, form: TableForm<Key, Value, Kept>) {
    super(table, form);
    this.#table = table;
    this.#form = form;
  }

  set(key: Key, value: Value): void {
    this.#table.set(this.#form.keep(key), this.#form.value.encode(value));
  }

  delete(key: Key): boolean {
    return this.#table.delete(this.#form.keep(key));
  }
}
