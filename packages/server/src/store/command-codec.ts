/**
 * The bytes of commands. Every entry ever written must replay for ever: the first byte is the version of the format,
 * and an unknown one stops the node; nothing is ever skipped. New commands are written in format 2; format 1 is read.
 */
import type { CommandCodec } from 'quorate';
import type { Condition, KeyValueCommand, Operation, RequestIdentity, Transaction } from './command.js';
import { CommandReader } from './command-reader.js';

const FORMAT = 2;
const HAS_REQUEST = 1;
const HAS_HELD_INDEX = 2;
const KINDS = { put: 1, delete: 2 } as const;
const HASH_BYTES = 32;

/**
 * Format 2: version and flags (a byte each); the request's identity, if flagged: its key (length in a byte), the hash
 * (32 bytes), how many are kept (4), and the held index (8, if flagged); then the transaction, see
 * {@link encodeTransaction}. Numbers are big-endian.
 */
export const keyValueCodec: CommandCodec<KeyValueCommand> = {
  encode({ request, ...transaction }) {
    return Buffer.concat([encodeHead(request), ...encodeTransaction(transaction)]);
  },

  decode(bytes) {
    const reader = new CommandReader(bytes);
    const format = reader.byte();
    if (format === 1) return decodeFormat1(reader);
    if (format !== FORMAT) throw new Error(`unknown version ${format} of a key-value command: a newer server wrote it`);
    const request = decodeHead(reader);
    const conditions = repeat(reader.uint16(), () => ({ key: reader.key(), version: reader.uint64() }));
    const operations = repeat(reader.uint16(), () => decodeOperation(reader));
    reader.end();
    return { conditions, operations, request };
  },
};

/**
 * The conditions (how many, in 2 bytes; of each the key with its length in 2, and the version in 8), and the operations
 * (how many, in 2 bytes; of each its kind in one, the key, and of a put the value with its length in 4). Hashes of
 * requests are made over these bytes, too: they must stay as they are, whatever formats follow.
 */
export function encodeTransaction({ conditions, operations }: Transaction): readonly Uint8Array[] {
  return [
    number(conditions.length, 2),
    ...conditions.flatMap(({ key, version }) => [...keyBytes(key), number(version, 8)]),
    number(operations.length, 2),
    ...operations.flatMap(encodeOperation),
  ];
}

function encodeOperation(operation: Operation): readonly Uint8Array[] {
  if ('delete' in operation) return [number(KINDS.delete, 1), ...keyBytes(operation.delete.key)];
  const { key, value } = operation.put;
  return [number(KINDS.put, 1), ...keyBytes(key), number(value.byteLength, 4), value];
}

function decodeOperation(reader: CommandReader): Operation {
  const kind = reader.byte();
  if (kind === KINDS.delete) return { delete: { key: reader.key() } };
  if (kind === KINDS.put) return { put: { key: reader.key(), value: reader.copy(reader.uint32()) } };
  throw new Error(`unknown kind ${kind} of an operation in a key-value command`);
}

function encodeHead(request: RequestIdentity | null): Uint8Array {
  if (request === null) return Buffer.from([FORMAT, 0]);
  const { key, hash, kept, heldIndex } = request;
  return Buffer.concat([
    Buffer.from([FORMAT, heldIndex === null ? HAS_REQUEST : HAS_REQUEST | HAS_HELD_INDEX, key.length]),
    Buffer.from(key, 'latin1'),
    Buffer.from(hash, 'base64url'),
    number(kept, 4),
    ...(heldIndex === null ? [] : [number(heldIndex, 8)]),
  ]);
}

function decodeHead(reader: CommandReader): RequestIdentity | null {
  const flags = reader.byte();
  if (flags === 0) return null;
  if (flags !== HAS_REQUEST && flags !== (HAS_REQUEST | HAS_HELD_INDEX)) {
    throw new Error(`unknown flags ${flags} of a key-value command`);
  }
  const key = reader.text(reader.byte(), 'latin1');
  const hash = reader.text(HASH_BYTES, 'base64url');
  return { key, hash, kept: reader.uint32(), heldIndex: flags & HAS_HELD_INDEX ? reader.uint64() : null };
}

/**
 * Format 1, as servers before 0.1.0 wrote it: kind, flags (a byte each; flag 1: a condition), the version asked for (8
 * bytes, if flagged), the key with its length in 2 bytes, and for a put the value up to the end.
 */
function decodeFormat1(reader: CommandReader): KeyValueCommand {
  const kind = reader.byte();
  const flags = reader.byte();
  if (flags !== 0 && flags !== 1) throw new Error(`unknown flags ${flags} of a key-value command`);
  const version = flags === 1 ? reader.uint64() : null;
  const key = reader.key();
  const conditions: readonly Condition[] = version === null ? [] : [{ key, version }];
  if (kind === KINDS.put) {
    return { conditions, operations: [{ put: { key, value: reader.copy(reader.remaining) } }], request: null };
  }
  if (kind !== KINDS.delete) throw new Error(`unknown kind ${kind} of a key-value command`);
  reader.end();
  return { conditions, operations: [{ delete: { key } }], request: null };
}

function keyBytes(key: string): readonly Uint8Array[] {
  const bytes = Buffer.from(key);
  return [number(bytes.byteLength, 2), bytes];
}

function number(value: number, bytes: 1 | 2 | 4 | 8): Uint8Array {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 8) buffer.writeBigUInt64BE(BigInt(value));
  else buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

function repeat<T>(count: number, decode: () => T): readonly T[] {
  return Array.from({ length: count }, decode);
}
