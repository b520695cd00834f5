/**
 * What the key-value application keeps: ordered tables and plain numbers, and nothing else, so that the same
 * application runs on memory and on disk, and a snapshot is a copy of the tables. Values in a table are never changed,
 * only replaced.
 */
import { createRequire } from 'node:module';
import type { StoredValue } from 'quorate/client';
import type { default as SortedMap } from 'sorted-btree';
import type { RecordedResult } from './command.js';
import { compareKeys } from './key-order.js';

// The package is CommonJS with a `default` export, which bundlers and Node expose differently to `import`.
const { default: BTree } = createRequire(import.meta.url)('sorted-btree') as { default: typeof SortedMap.default };

export interface ReadableTable<Key, Value> {
  get(key: Key): Value | undefined;
  /** In order, from `from` on (default: from the first). The table must not change meanwhile. */
  entries(from?: Key): Iterable<readonly [Key, Value]>;
}

/** All that the application may do with a table. */
export interface OrderedTable<Key, Value> extends ReadableTable<Key, Value> {
  set(key: Key, value: Value): unknown;
  /** True when there was such a key. */
  delete(key: Key): boolean;
}

export interface KeyValueState {
  /** Values by key, in the order of the keys' UTF-8 bytes. Changed by `changeKey` alone. */
  readonly keys: OrderedTable<string, StoredValue>;
  /** Requests by idempotency key. */
  readonly requests: OrderedTable<string, RecordedRequest>;
  /** The idempotency keys of all recorded requests, by the index of the entry: the order in which they are evicted. */
  readonly requestOrder: OrderedTable<number, string>;
  /** How many requests are recorded. */
  requestCount: number;
  /** The index of the newest request that was evicted; 0 before the first. Of those after it all are recorded. */
  evictedThrough: number;
}

export interface RecordedRequest {
  readonly hash: string;
  readonly result: RecordedResult;
}

/** What the readers of the state get. */
export interface KeyValueView {
  readonly keys: ReadableTable<string, StoredValue>;
  /**
   * The keys as they are now, to be read while the state goes on. It costs little, however many they are. Throws
   * Overloaded when too many are held.
   */
  hold(): HeldKeys;
}

export interface HeldKeys {
  readonly keys: ReadableTable<string, StoredValue>;
  /** They are still read: on the disk they may be held for so long only without it. */
  renew(): void;
  /** Lets them go; they must not be read afterwards. May be called more than once. */
  release(): void;
}

/** A state in memory, as it is before the first entry. */
export class MemoryState implements KeyValueState, KeyValueView {
  readonly keys = new BTree<string, StoredValue>(undefined, compareKeys);
  readonly requests = new BTree<string, RecordedRequest>();
  readonly requestOrder = new BTree<number, string>();
  requestCount = 0;
  evictedThrough = 0;

  hold(): HeldKeys {
    // It shares its nodes with this one until they are written to.
    return { keys: this.keys.clone(), renew() {}, release() {} };
  }
}
