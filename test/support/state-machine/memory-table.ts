/** An ordered table in memory, as plain as can be: what the table of every state machine has to do. */
import {
  type KeyKind,
  type KeyOf,
  keyFromBytes,
  keyToBytes,
  type Table,
} from '../../../packages/quorate/src/node/state-machine/tables/tables.js';

export class MemoryTable<Kind extends KeyKind> implements Table<KeyOf<Kind>> {
  readonly #kind: Kind;
  /** In order. */
  readonly #entries: { readonly key: Uint8Array; readonly value: Uint8Array }[] = [];

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  get(key: KeyOf<Kind>): Uint8Array | undefined {
    const bytes = keyToBytes(this.#kind, key);
    const entry = this.#entries[this.#firstFrom(bytes)];
    return entry !== undefined && Buffer.compare(entry.key, bytes) === 0 ? entry.value : undefined;
  }

  *entries(from?: KeyOf<Kind>): IterableIterator<readonly [KeyOf<Kind>, Uint8Array]> {
    let at = from === undefined ? 0 : this.#firstFrom(keyToBytes(this.#kind, from));
    for (let entry = this.#entries[at]; entry !== undefined; entry = this.#entries[at]) {
      const { key, value } = entry;
      yield [keyFromBytes(this.#kind, Uint8Array.from(key)) as KeyOf<Kind>, value];
      at = this.#firstFrom(Buffer.concat([key, Buffer.alloc(1)]));
    }
  }

  set(key: KeyOf<Kind>, value: Uint8Array): void {
    const bytes = Uint8Array.from(keyToBytes(this.#kind, key));
    this.delete(key);
    this.#entries.splice(this.#firstFrom(bytes), 0, { key: bytes, value: Uint8Array.from(value) });
  }

  delete(key: KeyOf<Kind>): boolean {
    const exists = this.get(key) !== undefined;
    if (exists) this.#entries.splice(this.#firstFrom(keyToBytes(this.#kind, key)), 1);
    return exists;
  }

  /** Where the first entry is whose key is not below these bytes. */
  #firstFrom(bytes: Uint8Array): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const isBelow = Buffer.compare((this.#entries[middle] as { key: Uint8Array }).key, bytes) < 0;
      if (isBelow) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
