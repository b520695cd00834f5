/**
 * What a state consists of: ordered tables with binary values, as commands change them and readers see them. Keys are
 * ordered by their bytes, text by its UTF-8 bytes. A key that was accepted once must be accepted for ever.
 */
import { InvalidArgument } from '../../../errors/index.js';

/** Less than what LMDB takes in a page of 4 KiB (1,978), so that it is the same wherever the state is built. */
export const MAX_KEY_BYTES = 1_970;
/** Larger ones would be served from the map of the file itself, which moves when the file grows. */
export const MAX_VALUE_BYTES = 8 * 1024 * 1024;

/** What the keys of a table are: `text` is a string without lone surrogates, `bytes` a Uint8Array. */
export type KeyKind = 'text' | 'bytes';

export type TableKinds = Readonly<Record<string, KeyKind>>;

export type KeyOf<Kind extends KeyKind> = Kind extends 'text' ? string : Uint8Array;

/** A table as readers see it. Keys have 1 to 1,970 bytes; others, and lone surrogates, throw InvalidArgument. */
export interface ReadableTable<Key> {
  /** A copy of the value; undefined when there is none. */
  get(key: Key): Uint8Array | undefined;
  /**
   * Keys and values in order, read as they are asked for; from `from` on, which is included. Where a command changes
   * the table meanwhile, the next entry is the first one then behind the last.
   */
  entries(from?: Key): IterableIterator<readonly [key: Key, value: Uint8Array]>;
}

/** A table as commands see it: with everything that was written before, by the same command or another. */
export interface Table<Key> extends ReadableTable<Key> {
  /** The value has at most 8 MiB; InvalidArgument otherwise. */
  set(key: Key, value: Uint8Array): void;
  /** False when there was none. */
  delete(key: Key): boolean;
}

export type Tables<Kinds extends TableKinds> = { readonly [Name in keyof Kinds]: Table<KeyOf<Kinds[Name]>> };

export type ReadableTables<Kinds extends TableKinds> = {
  readonly [Name in keyof Kinds]: ReadableTable<KeyOf<Kinds[Name]>>;
};

const LONE_SURROGATE = /\p{Surrogate}/u;

export function keyToBytes(kind: KeyKind, key: string | Uint8Array): Uint8Array {
  if ((typeof key === 'string') !== (kind === 'text')) {
    const expected = kind === 'text' ? 'a string' : 'a Uint8Array';
    throw new InvalidArgument({ field: 'key', expected, received: key });
  }
  if (typeof key === 'string' && LONE_SURROGATE.test(key)) {
    throw new InvalidArgument({ field: 'key', expected: 'text without lone surrogates', received: key });
  }
  const bytes = typeof key === 'string' ? Buffer.from(key) : key;
  if (bytes.byteLength >= 1 && bytes.byteLength <= MAX_KEY_BYTES) return bytes;
  const received = `${bytes.byteLength} bytes`;
  throw new InvalidArgument({ field: 'key', expected: `1 to ${MAX_KEY_BYTES} bytes`, received });
}

export function keyFromBytes(kind: KeyKind, bytes: Uint8Array): string | Uint8Array {
  return kind === 'text' ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString() : bytes;
}

export function checkValue(value: Uint8Array): void {
  if (value.byteLength <= MAX_VALUE_BYTES) return;
  const received = `${value.byteLength} bytes`;
  throw new InvalidArgument({ field: 'value', expected: `at most ${MAX_VALUE_BYTES} bytes`, received });
}
