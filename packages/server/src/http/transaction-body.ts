/**
 * The body of a transaction, from its bytes to conditions and operations. What is not exactly as documented is refused
 * with the field that is wrong: a transaction that is understood in part must never be applied.
 */
import { ValueTooLarge } from 'quorate/client';
import { InvalidArgument } from 'quorate/errors';
import type { Condition, Operation, Transaction } from '../store/command.js';
import { keyFromBytes, textFromBytes } from '../store/key.js';

export const MAX_CONDITIONS = 128;
export const MAX_OPERATIONS = 128;

/** What takes long to parse is many small parts, not long texts; a body below this size cannot have too many. */
const SMALL_BYTES = 64 * 1024;
/** Commas and brackets: more than the largest transaction needs. */
const MAX_PARTS = 8 * (MAX_CONDITIONS + MAX_OPERATIONS);

type Fields = Readonly<Record<string, unknown>>;

/** Throws InvalidArgument, or ValueTooLarge when all values together are above `maxValueBytes`. */
export function parseTransaction(body: Uint8Array, maxValueBytes: number): Transaction {
  const { conditions = [], operations } = object(parseJson(body), 'body', ['conditions', 'operations']);
  const transaction = {
    conditions: list(conditions, 'conditions', 0, MAX_CONDITIONS).map(condition),
    operations: list(operations, 'operations', 1, MAX_OPERATIONS).map(operation),
  };
  const bytes = transaction.operations.reduce((sum, each) => sum + ('put' in each ? each.put.value.byteLength : 0), 0);
  if (bytes > maxValueBytes) throw new ValueTooLarge({ field: 'operations', limit: maxValueBytes });
  return transaction;
}

function condition(raw: unknown, at: number): Condition {
  const field = `conditions[${at}]`;
  const { key, version } = object(raw, field, ['key', 'version']);
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0) {
    throw wrong(`${field}.version`, 'a whole number from 0 to 2^53 - 1', version);
  }
  return { key: keyOf(key, `${field}.key`), version };
}

function operation(raw: unknown, at: number): Operation {
  const field = `operations[${at}]`;
  const fields = object(raw, field, ['put', 'delete']);
  if (Object.keys(fields).length !== 1) throw wrong(field, '{"put":...} or {"delete":...}', raw);
  if ('delete' in fields) {
    const { key } = object(fields.delete, `${field}.delete`, ['key']);
    return { delete: { key: keyOf(key, `${field}.delete.key`) } };
  }
  const put = object(fields.put, `${field}.put`, ['key', 'value', 'valueBase64']);
  return { put: { key: keyOf(put.key, `${field}.put.key`), value: valueBytes(put, `${field}.put`) } };
}

/** `value` is text, `valueBase64` bytes, as in the lines of `import`. */
function valueBytes({ value, valueBase64 }: Fields, field: string): Uint8Array {
  if ((value === undefined) === (valueBase64 === undefined)) {
    const received = value === undefined ? 'neither' : 'both';
    throw new InvalidArgument({ field, expected: 'given either value or valueBase64', received });
  }
  if (value !== undefined) return utf8(value, `${field}.value`);
  const bytes = Buffer.from(typeof valueBase64 === 'string' ? valueBase64 : '', 'base64');
  if (bytes.toString('base64') !== valueBase64) throw wrong(`${field}.valueBase64`, 'base64 with padding', valueBase64);
  return bytes;
}

function keyOf(key: unknown, field: string): string {
  return keyFromBytes(utf8(key, field), field);
}

/** JSON can hold half a surrogate pair (`\ud800`), which UTF-8 cannot. */
function utf8(text: unknown, field: string): Uint8Array {
  if (typeof text !== 'string') throw wrong(field, 'a text', text);
  if (/\p{Surrogate}/u.test(text)) throw wrong(field, 'text without lone surrogates', text);
  return Buffer.from(text);
}

function parseJson(body: Uint8Array): unknown {
  if (body.byteLength > SMALL_BYTES && hasTooManyParts(body)) {
    throw new InvalidArgument({ field: 'body', expected: 'a transaction', received: 'JSON of too many parts' });
  }
  const text = textFromBytes(body, 'body');
  try {
    return JSON.parse(text);
  } catch (error) {
    const received = (error as Error).message;
    throw new InvalidArgument({ field: 'body', expected: 'JSON', received }, { cause: error });
  }
}

/** Nothing else runs in this process while JSON is parsed, so that this must be known before. */
function hasTooManyParts(body: Uint8Array): boolean {
  let parts = 0;
  let inText = false;
  for (let at = 0; at < body.length && parts <= MAX_PARTS; at += 1) {
    const byte = body[at];
    if (byte === 0x22) inText = !inText;
    else if (byte === 0x5c) at += 1;
    else if (!inText && (byte === 0x2c || byte === 0x5b || byte === 0x7b)) parts += 1;
  }
  return parts > MAX_PARTS;
}

function object(raw: unknown, field: string, known: readonly string[]): Fields {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw wrong(field, 'a JSON object', raw);
  const unknown = Object.keys(raw).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new InvalidArgument({
      field: `${field}.${unknown}`,
      expected: `one of ${known.join(', ')}`,
      received: unknown,
    });
  }
  return raw as Fields;
}

function list(raw: unknown, field: string, least: number, most: number): readonly unknown[] {
  if (!Array.isArray(raw)) throw wrong(field, `a list of ${least} to ${most}`, raw);
  if (raw.length >= least && raw.length <= most) return raw;
  throw new InvalidArgument({ field, expected: `a list of ${least} to ${most}`, received: raw.length });
}

function wrong(field: string, expected: string, raw: unknown): InvalidArgument {
  return new InvalidArgument({ field, expected, received: { toString: () => JSON.stringify(raw) ?? 'nothing' } });
}
