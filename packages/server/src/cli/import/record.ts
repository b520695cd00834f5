/**
 * One line of NDJSON as a key and its value. Whatever is not exactly what `export` writes is refused with what is
 * wrong: a value that was silently changed would be worse than one that was not imported.
 */
import { keyFromBytes } from '../../store/key.js';
import type { Line } from './lines.js';

export interface ImportRecord {
  readonly key: string;
  readonly value: Uint8Array;
}

/** `version` is what range answers have beside key and value; it belongs to the cluster it came from. */
const FIELDS = new Set(['key', 'value', 'valueBase64', 'version']);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Null for a blank line. Throws an Error that says what is wrong with the line. */
export function parseRecord(line: Line): ImportRecord | null {
  if (line.bytes === null) throw new Error('the line is too long');
  const text = decode(line.bytes, line.number === 1);
  if (text.trim() === '') return null;
  const fields = parseObject(text);
  const unknown = Object.keys(fields).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw new Error(`unknown field ${JSON.stringify(unknown)}`);
  const { key } = fields;
  if (typeof key !== 'string') throw new Error('"key" must be a text');
  keyFromBytes(bytesOf(key, 'key'), 'key');
  return { key, value: valueBytes(fields) };
}

function decode(bytes: Uint8Array, first: boolean): string {
  try {
    const text = utf8.decode(bytes);
    return first && text.startsWith('\ufeff') ? text.slice(1) : text;
  } catch (error) {
    throw new Error('the line is not UTF-8', { cause: error });
  }
}

function parseObject(text: string): { readonly [name: string]: unknown } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new Error(`the line is not JSON (${(error as Error).message})`, { cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new Error('the line is no JSON object');
  return parsed as { readonly [name: string]: unknown };
}

function valueBytes(fields: { readonly [name: string]: unknown }): Uint8Array {
  const { value, valueBase64 } = fields;
  if ((value === undefined) === (valueBase64 === undefined)) {
    throw new Error('exactly one of "value" and "valueBase64" must be given');
  }
  if (value !== undefined) {
    if (typeof value !== 'string') throw new Error('"value" must be a text');
    return bytesOf(value, 'value');
  }
  if (typeof valueBase64 !== 'string') throw new Error('"valueBase64" must be a text');
  const bytes = Buffer.from(valueBase64, 'base64');
  if (bytes.toString('base64') !== valueBase64) throw new Error('"valueBase64" is not base64 with padding');
  return bytes;
}

/** JSON can hold half a surrogate pair (`\ud800`), which UTF-8 cannot. */
function bytesOf(text: string, field: string): Uint8Array {
  if (/\p{Surrogate}/u.test(text)) throw new Error(`"${field}" holds a lone surrogate, which is no text; use base64`);
  return Buffer.from(text);
}
