/**
 * The bytes in which the state is kept, on the disk and in snapshots. Every value begins with the version of its
 * format, and an unknown one stops the node: a state that is not understood must never be served.
 */
import type { OperationResult, StoredValue } from 'quorate/client';
import { unreachable } from 'quorate/errors';
import type { RecordedResult } from './command.js';
import { CommandReader } from './command-reader.js';
import type { RecordedRequest } from './key-value-state.js';

const VERSION = 1;
const HASH_BYTES = 32;
const KINDS = { done: 1, conditionFailed: 2 } as const;
const RESULTS = { version: 1, deleted: 2, nothingToDelete: 3 } as const;

/** How values of one kind become bytes. `decode` throws on bytes that are not a value, or of another version. */
export interface ValueCodec<Value> {
  encode(value: Value): Uint8Array;
  decode(bytes: Uint8Array): Value;
}

/** Version of the format (a byte), version of the key (8), the value. */
export const storedValueCodec: ValueCodec<StoredValue> = {
  encode({ value, version }) {
    const bytes = Buffer.allocUnsafe(9 + value.byteLength);
    bytes[0] = VERSION;
    bytes.writeBigUInt64BE(BigInt(version), 1);
    bytes.set(value, 9);
    return bytes;
  },
  decode(bytes) {
    const reader = open(bytes, 'a key');
    const version = reader.uint64();
    return { version, value: reader.copy(reader.remaining) };
  },
};

/**
 * Version of the format (a byte), hash (32), kind of result (1), index and term (8 each). Done: how many results (2),
 * and of each its kind (1), of a put with the version of the key (8). A condition that failed: its position (2), the
 * version that was expected and the one found (8 each).
 */
export const recordedRequestCodec: ValueCodec<RecordedRequest> = {
  encode({ hash, result }) {
    const head = [Buffer.from([VERSION]), Buffer.from(hash, 'base64url')];
    return Buffer.concat([...head, ...encodeResult(result)]);
  },
  decode(bytes) {
    const reader = open(bytes, 'a recorded request');
    const hash = reader.text(HASH_BYTES, 'base64url');
    const result = decodeResult(reader);
    reader.end();
    return { hash, result };
  },
};

/** Version of the format (a byte), the text. */
export const textCodec: ValueCodec<string> = {
  encode: (text) => Buffer.concat([Buffer.from([VERSION]), Buffer.from(text)]),
  decode(bytes) {
    const reader = open(bytes, 'a text');
    return reader.text(reader.remaining, 'utf8');
  },
};

/** Version of the format (a byte), the number (8). */
export const numberCodec: ValueCodec<number> = {
  encode: (value) => Buffer.concat([Buffer.from([VERSION]), uint64(value)]),
  decode(bytes) {
    const reader = open(bytes, 'a number');
    const value = reader.uint64();
    reader.end();
    return value;
  },
};

function encodeResult(result: RecordedResult): readonly Uint8Array[] {
  const place = [uint64(result.index), uint64(result.term)];
  switch (result.kind) {
    case 'done':
      return [Buffer.from([KINDS.done]), ...place, uint16(result.results.length), ...result.results.map(encodeOne)];
    case 'condition-failed': {
      const { condition, expected, actual } = result;
      const head = Buffer.from([KINDS.conditionFailed]);
      return [head, ...place, uint16(condition), uint64(expected), uint64(actual)];
    }
    default:
      return unreachable(result);
  }
}

function encodeOne(result: OperationResult): Uint8Array {
  if ('version' in result) return Buffer.concat([Buffer.from([RESULTS.version]), uint64(result.version)]);
  return Buffer.from([result.deleted ? RESULTS.deleted : RESULTS.nothingToDelete]);
}

function decodeResult(reader: CommandReader): RecordedResult {
  const kind = reader.byte();
  const place = { index: reader.uint64(), term: reader.uint64() };
  if (kind === KINDS.done) {
    const count = reader.uint16();
    return { kind: 'done', ...place, results: Array.from({ length: count }, () => decodeOne(reader)) };
  }
  if (kind !== KINDS.conditionFailed) throw new Error(`unknown kind ${kind} of a recorded result`);
  const condition = reader.uint16();
  return { kind: 'condition-failed', ...place, condition, expected: reader.uint64(), actual: reader.uint64() };
}

function decodeOne(reader: CommandReader): OperationResult {
  const kind = reader.byte();
  if (kind === RESULTS.version) return { version: reader.uint64() };
  if (kind === RESULTS.deleted) return { deleted: true };
  if (kind === RESULTS.nothingToDelete) return { deleted: false };
  throw new Error(`unknown kind ${kind} of the result of an operation`);
}

function open(bytes: Uint8Array, what: string): CommandReader {
  const reader = new CommandReader(bytes);
  const version = reader.byte();
  if (version === VERSION) return reader;
  throw new Error(`unknown version ${version} of ${what} in the state: a newer server wrote it`);
}

function uint16(value: number): Uint8Array {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** Keys of these eight bytes are in the order of the numbers. */
export function uint64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function uint64From(bytes: Uint8Array): number {
  return new CommandReader(bytes).uint64();
}
