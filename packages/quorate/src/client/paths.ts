/**
 * Paths and queries of the HTTP interface, encoded so that any key arrives as it is. A key that UTF-8 cannot hold must
 * never be sent as another one.
 */
import { InvalidArgument } from '../errors/index.js';

/** Query parameters; those that are undefined or null are left out. */
export type Query = Readonly<Record<string, string | number | null | undefined>>;

/**
 * A key goes by `key64` when its path would be rewritten on the way (`.` and `..` are removed by clients and proxies).
 */
export function keyPath(key: string, query: Query): string {
  checkKey(key, 'key');
  if (key === '.' || key === '..')
    return withQuery('/v1/kv', { key64: Buffer.from(key).toString('base64url'), ...query });
  return withQuery(`/v1/kv/${encodeURIComponent(key)}`, query);
}

/** Returns the key. Throws InvalidArgument, naming `field`, when UTF-8 cannot hold it. */
export function checkKey(key: string, field: string): string {
  if (isWellFormed(key)) return key;
  throw new InvalidArgument({ field, expected: 'text without lone surrogates', received: key });
}

export function withQuery(path: string, query: Query): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    const text = String(value);
    if (!isWellFormed(text)) {
      throw new InvalidArgument({ field: name, expected: 'text without lone surrogates', received: text });
    }
    parts.push(`${name}=${encodeURIComponent(text)}`);
  }
  return parts.length === 0 ? path : `${path}?${parts.join('&')}`;
}

/** `String.prototype.isWellFormed` is in Node 20, but not in the library types of es2023. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
