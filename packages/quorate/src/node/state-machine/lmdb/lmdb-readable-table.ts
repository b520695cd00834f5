/**
 * A table as one read sees it. It must never be used beyond that read: what was a view would then be another one.
 */

import { type KeyKind, type KeyOf, keyFromBytes, keyToBytes, type ReadableTable } from '../tables/tables.js';
import type { LmdbTable } from './lmdb-binding.js';
import type { ReadScope } from './read-scope.js';

type Key = KeyOf<KeyKind>;

export class LmdbReadableTable implements ReadableTable<Key> {
  readonly #table: LmdbTable;
  readonly #kind: KeyKind;
  readonly #scope: ReadScope;

  constructor(table: LmdbTable, kind: KeyKind, scope: ReadScope) {
    this.#table = table;
    this.#kind = kind;
    this.#scope = scope;
  }

  get(key: Key): Uint8Array | undefined {
    this.#scope.assertOpen();
    return this.#table.getBinary(keyToBytes(this.#kind, key), this.#scope.options);
  }

  *entries(from?: Key): IterableIterator<readonly [Key, Uint8Array]> {
    this.#scope.assertOpen();
    const start = from === undefined ? {} : { start: keyToBytes(this.#kind, from) };
    const range = this.#table.getRange({ ...start, ...this.#scope.options });
    const iterator = range[Symbol.iterator]();
    this.#scope.opened(iterator);
    try {
      for (;;) {
        const { done, value } = iterator.next();
        if (done) return;
        yield [keyFromBytes(this.#kind, value.key), value.value];
        this.#scope.assertOpen();
      }
    } finally {
      iterator.return?.();
      this.#scope.closed(iterator);
    }
  }
}
