/**
 * Parameters and headers that several operations share. What the code reads must stand here or in the operation; a
 * test asks the routes themselves.
 */
import { HEADERS_TO_COME, MAX_TIMEOUT_MS } from '../parameters.js';
import type { Answer, Parameter, Schema } from './operation.js';
import { INDEX, TEXT } from './schemas.js';

export function query(name: string, schema: Schema, description: string): Parameter {
  return { name, in: 'query', description, schema };
}

export const KEY: Parameter = {
  name: 'key',
  in: 'path',
  required: true,
  description: 'The key: 1 to 1,024 bytes of UTF-8, percent-encoded. Slashes may stand as they are.',
  schema: TEXT,
};

export const KEY64 = query('key64', TEXT, 'The key in base64url, for keys that no path can hold (`.`, `..`).');
export const PREFIX = query('prefix', TEXT, 'Keys that begin with this. Default: all.');

export const TIMEOUT = query(
  'timeout_ms',
  { type: 'integer', minimum: 1, maximum: MAX_TIMEOUT_MS, default: 5_000 },
  'How long it may wait, in milliseconds.',
);

export const READ: readonly Parameter[] = [
  query(
    'level',
    { enum: ['linearizable', 'session', 'local', 'lease', 'bounded'], default: 'linearizable' },
    'How fresh the answer has to be. `lease` and `bounded` are not there yet: 501.',
  ),
  query('token', TEXT, 'The view contains what the answer with this token saw.'),
  {
    name: 'Quorate-Token',
    in: 'header',
    description: 'The same as the parameter `token`.',
    schema: TEXT,
  },
  query('min_index', INDEX, 'The view is at this index or later. Not with `level=local`.'),
  query('max_staleness_ms', INDEX, 'Not there yet: 501.'),
  TIMEOUT,
];

/** Of a transaction. */
export const WRITE: readonly Parameter[] = [
  query('if_term', { ...INDEX, minimum: 1 }, 'Write only when the entry is applied in this term.'),
  TIMEOUT,
  {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'The write is applied once, however often it is sent with this key.',
    schema: { ...TEXT, pattern: '^[!-~]{1,255}$' },
  },
  {
    name: 'Quorate-Token',
    in: 'header',
    description: 'Held before the first attempt: a repetition whose key may be forgotten since is refused.',
    schema: TEXT,
  },
  ...HEADERS_TO_COME.map(
    (name): Parameter => ({ name, in: 'header', description: 'Not there yet: 501.', schema: TEXT }),
  ),
];

/** Of one key. */
export const KEY_WRITE: readonly Parameter[] = [
  query('if_version', INDEX, 'Write only when the key has this version; 0: only when it does not exist.'),
  ...WRITE,
];

type Headers = NonNullable<Answer['headers']>;

const TOKEN: Headers = {
  'Quorate-Token': { description: 'A `session` read with it sees at least as much, on any replica.', schema: TEXT },
};

export const READ_HEADERS: Headers = {
  'Quorate-Index': { description: 'The bound that the view was checked against.', schema: INDEX },
  'Quorate-Term': { description: 'The term in which it was confirmed; 0 where no leader was asked.', schema: INDEX },
  'Quorate-Applied-Index': { description: 'The index of the view.', schema: INDEX },
  'Quorate-Served-By': { description: 'The server that answered.', schema: TEXT },
  'Quorate-Role': { description: 'Its role.', schema: TEXT },
  ...TOKEN,
};

export const VERSION_HEADER: Headers = {
  'Quorate-Version': { description: "The value's version. Compare for equality only.", schema: INDEX },
};

export const WRITE_HEADERS: Headers = {
  'Quorate-Index': { description: "The index of the write's entry.", schema: INDEX },
  ...TOKEN,
};
