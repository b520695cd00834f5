/**
 * A table as the commands of one batch see it and change it. It must never be used outside the one write transaction
 * that is open: each call would then be a transaction of its own.
 */

import { checkValue, type KeyKind, type KeyOf, keyFromBytes, keyToBytes, type Table } from '../tables/tables.js';
import type { LmdbRange, LmdbTable } from './lmdb-binding.js';
import { stateFailed } from './on-disk.js';

type Key = KeyOf<KeyKind>;

export class LmdbWritableTable implements Table<Key> {
  readonly #table: LmdbTable;
  readonly #kind: KeyKind;
  readonly #assertOpen: () => void;
  readonly #path: string;

  /** `path`: of the state, for errors. */
  constructor(table: LmdbTable, kind: KeyKind, assertOpen: () => void, path: string) {
    this.#table = table;
    this.#kind = kind;
    this.#assertOpen = assertOpen;
    this.#path = path;
  }

  get(key: Key): Uint8Array | undefined {
    this.#assertOpen();
    return this.#onDisk(() => this.#table.getBinary(keyToBytes(this.#kind, key)));
  }

  set(key: Key, value: Uint8Array): void {
    this.#assertOpen();
    checkValue(value);
    this.#onDisk(() => this.#table.putSync(keyToBytes(this.#kind, key), value));
  }

  delete(key: Key): boolean {
    this.#assertOpen();
    return this.#onDisk(() => this.#table.removeSync(keyToBytes(this.#kind, key)));
  }

  /** What the disk refuses is no fault of the command. */
  #onDisk<R>(run: () => R): R {
    try {
      return run();
    } catch (error) {
      throw stateFailed(this.#path, error);
    }
  }

  /** Looked up anew for each entry: a cursor would not survive every change that comes between two of them. */
  *entries(from?: Key): IterableIterator<readonly [Key, Uint8Array]> {
    let range: LmdbRange = from === undefined ? { limit: 1 } : { start: keyToBytes(this.#kind, from), limit: 1 };
    for (;;) {
      this.#assertOpen();
      // What it gives is read when it is walked over.
      const [next] = this.#onDisk(() => [...this.#table.getRange(range)]);
      if (next === undefined) return;
      yield [keyFromBytes(this.#kind, next.key), next.value];
      range = { start: next.key, exclusiveStart: true, limit: 1 };
    }
  }
}
