/** An ordered table in memory, as slow and as plain as can be: what the table of every state machine has to do. */
import {
  type KeyKind,
  type KeyOf,
  keyFromBytes,
  keyToBytes,
  type Table,
} from '../../../packages/quorate/src/node/state-machine/lmdb/tables.js';

export class MemoryTable<Kind extends KeyKind> implements Table<KeyOf<Kind>> {
  readonly #kind: Kind;
  /** In order. */
  #entries: { readonly key: Uint8Array; readonly value: Uint8Array }[] = [];

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  get(key: KeyOf<Kind>): Uint8Array | undefined {
    const bytes = keyToBytes(this.#kind, key);
    return this.#entries.find((entry) => Buffer.compare(entry.key, bytes) === 0)?.value;
  }

  *entries(from?: KeyOf<Kind>): IterableIterator<readonly [KeyOf<Kind>, Uint8Array]> {
    const first = from === undefined ? Buffer.alloc(0) : keyToBytes(this.#kind, from);
    let next = this.#entries.find(({ key }) => Buffer.compare(key, first) >= 0);
    while (next !== undefined) {
      const { key, value } = next;
      yield [keyFromBytes(this.#kind, Uint8Array.from(key)) as KeyOf<Kind>, value];
      next = this.#entries.find((entry) => Buffer.compare(entry.key, key) > 0);
    }
  }

  set(key: KeyOf<Kind>, value: Uint8Array): void {
    const bytes = Uint8Array.from(keyToBytes(this.#kind, key));
    this.delete(key);
    const at = this.#entries.findIndex((entry) => Buffer.compare(entry.key, bytes) > 0);
    const entry = { key: bytes, value: Uint8Array.from(value) };
    this.#entries.splice(at === -1 ? this.#entries.length : at, 0, entry);
  }

  delete(key: KeyOf<Kind>): boolean {
    const bytes = keyToBytes(this.#kind, key);
    const before = this.#entries.length;
    this.#entries = this.#entries.filter((entry) => Buffer.compare(entry.key, bytes) !== 0);
    return this.#entries.length < before;
  }
}
