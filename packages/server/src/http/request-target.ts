/**
 * What a request's raw URL asks for: path and query, decoded strictly and by us, because a key is bytes that no router
 * may touch. Malformed encoding is an error that names the field, never a guess.
 */
import { InvalidArgument } from 'quorate/errors';
import { keyFromBytes, textFromBytes } from '../store/key.js';

export const KEY_PATH = '/v1/kv/';

/** The key in the path `/v1/kv/{key}`: everything behind the prefix, slashes included. Throws InvalidArgument. */
export function keyFromPath(rawUrl: string): string {
  return keyFromBytes(percentDecode(splitUrl(rawUrl).path.slice(KEY_PATH.length), 'key'), 'key');
}

/** The key in the parameter `key64`: base64url, with or without padding. Throws InvalidArgument. */
export function keyFromBase64(text: string): string {
  const bytes = Buffer.from(text, 'base64url');
  const canonical = bytes.toString('base64url');
  if (canonical !== text.replace(/={1,2}$/, '')) {
    throw new InvalidArgument({ field: 'key64', expected: 'base64url (A–Z, a–z, 0–9, - and _)', received: text });
  }
  return keyFromBytes(bytes, 'key64');
}

export function splitUrl(rawUrl: string): { readonly path: string; readonly query: string } {
  const at = rawUrl.indexOf('?');
  return at < 0 ? { path: rawUrl, query: '' } : { path: rawUrl.slice(0, at), query: rawUrl.slice(at + 1) };
}

/** The parameters, each at most once, and none but `known`. A `+` is a blank, as everywhere in queries. */
export function parseQuery(rawUrl: string, known: readonly string[]): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of splitUrl(rawUrl).query.split('&')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const name = at < 0 ? part : part.slice(0, at);
    if (!known.includes(name)) {
      const expected = known.length === 0 ? 'no query parameter' : `one of the parameters ${known.join(', ')}`;
      throw new InvalidArgument({ field: name, expected, received: name });
    }
    if (parameters.has(name)) throw new InvalidArgument({ field: name, expected: 'given once', received: 'it twice' });
    const encoded = at < 0 ? '' : part.slice(at + 1).replaceAll('+', '%20');
    parameters.set(name, textFromBytes(percentDecode(encoded, name), name));
  }
  return parameters;
}

function percentDecode(encoded: string, field: string): Uint8Array {
  const bytes = Buffer.allocUnsafe(encoded.length);
  let length = 0;
  for (let at = 0; at < encoded.length; at += 1) {
    let byte = encoded.charCodeAt(at);
    if (byte === 0x25) {
      const digits = encoded.slice(at + 1, at + 3);
      if (!/^[0-9A-Fa-f]{2}$/.test(digits)) malformed(field, `%${digits}`);
      byte = Number.parseInt(digits, 16);
      at += 2;
    } else if (byte > 0x7f) malformed(field, encoded[at] as string);
    bytes[length] = byte;
    length += 1;
  }
  return bytes.subarray(0, length);
}

function malformed(field: string, received: string): never {
  throw new InvalidArgument({ field, expected: 'percent-encoded: % and two hexadecimal digits', received });
}
