/**
 * Which tables the state consists of when it is written down, on the disk or in a snapshot, and how their keys and
 * values become what is kept. One definition for all stores: nodes with different ones must understand each other's
 * snapshots.
 */
import type { StoredValue } from 'quorate/client';
import type { RecordedRequest } from './key-value-state.js';
import {
  numberCodec,
  recordedRequestCodec,
  storedValueCodec,
  textCodec,
  uint64,
  uint64From,
  type ValueCodec,
} from './state-values.js';

/** `Kept` is what a key is kept as: text, in the order of its UTF-8 bytes, or bytes, in their order. */
export interface TableForm<Key, Value, Kept extends string | Uint8Array> {
  readonly kind: Kept extends string ? 'text' : 'bytes';
  readonly value: ValueCodec<Value>;
  readonly keep: (key: Key) => Kept;
  readonly keyOf: (kept: Kept) => Key;
  readonly keptFrom: (bytes: Uint8Array) => Kept;
}

const sameText = (key: string) => key;

function byText<Value>(value: ValueCodec<Value>): TableForm<string, Value, string> {
  const keptFrom = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  return { kind: 'text', value, keep: sameText, keyOf: sameText, keptFrom };
}

function byNumber<Value>(value: ValueCodec<Value>): TableForm<number, Value, Uint8Array> {
  return { kind: 'bytes', value, keep: uint64, keyOf: uint64From, keptFrom: (bytes) => bytes };
}

export const STATE_TABLES = {
  keys: byText<StoredValue>(storedValueCodec),
  requests: byText<RecordedRequest>(recordedRequestCodec),
  requestOrder: byNumber<string>(textCodec),
  numbers: byText<number>(numberCodec),
} as const;

/** The numbers of the state, by their names in the table, in the order of the table. */
export const STATE_NUMBERS = ['evictedThrough', 'requestCount'] as const;
