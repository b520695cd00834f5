/**
 * Keys and ranges, as OpenAPI describes them. `GET /v1/kv` is one key with `key64` and a range without; it must list
 * what either can answer.
 */
import type { ErrorCode } from '../problem.js';
import {
  ANYWHERE,
  type Answer,
  json,
  OF_A_LEADER,
  OF_THE_STORE,
  OF_WAITING,
  type Operation,
  operation,
  reference,
} from './operation.js';
import {
  KEY,
  KEY_WRITE,
  KEY64,
  PREFIX,
  query,
  READ,
  READ_HEADERS,
  VERSION_HEADER,
  WRITE,
  WRITE_HEADERS,
} from './parameters.js';
import { TEXT } from './schemas.js';

const READING: readonly ErrorCode[] = [
  ...ANYWHERE,
  'TokenMismatch',
  'NotImplemented',
  'DiskFailed',
  ...OF_THE_STORE,
  ...OF_WAITING,
];
const WRITING: readonly ErrorCode[] = [
  ...ANYWHERE,
  'TokenMismatch',
  'IdempotencyExpired',
  'IdempotencyKeyReused',
  'ConditionFailed',
  'TermChanged',
  'ValueTooLarge',
  'NotImplemented',
  ...OF_THE_STORE,
  'SnapshotInstalling',
  ...OF_A_LEADER,
];

const BYTES = { 'application/octet-stream': { schema: {} } };
const LIMIT = query(
  'limit',
  { type: 'integer', minimum: 1, maximum: 10_000, default: 1_000 },
  'Entries in a page. NDJSON without it is the whole range.',
);
const START = query('start', TEXT, 'Keys from this one on.');
const NEXT_HEADER = {
  'Quorate-Next': { description: 'The `start` of the next page; missing on the last.', schema: TEXT },
};

const getOne = {
  errors: [...READING, 'KeyNotFound'] as const,
  errorHeaders: { 404: READ_HEADERS },
};

function written(name: string): Answer {
  return { description: 'It was applied.', headers: WRITE_HEADERS, content: json(reference(name)) ?? {} };
}

const failed = { errors: WRITING, errorHeaders: { 410: WRITE_HEADERS, 412: WRITE_HEADERS } };
const putOne = { body: BYTES, ok: written('WriteAnswer'), ...failed };
const deleteOne = { ok: written('DeleteAnswer'), ...failed };

export const KEY_VALUE_PATHS: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  '/v1/kv/{key}': {
    get: operation({
      id: 'getKey',
      summary: 'The value of a key, byte for byte',
      parameters: [KEY, ...READ],
      ok: { description: 'The value.', headers: { ...READ_HEADERS, ...VERSION_HEADER }, content: BYTES },
      ...getOne,
    }),
    put: operation({
      id: 'putKey',
      summary: 'Write a value: the body, whatever its type',
      parameters: [KEY, ...KEY_WRITE],
      ...putOne,
    }),
    delete: operation({ id: 'deleteKey', summary: 'Remove a key', parameters: [KEY, ...KEY_WRITE], ...deleteOne }),
  },
  '/v1/kv': {
    get: operation({
      id: 'getRange',
      summary: 'A range of keys; with `key64` one key',
      description:
        'A page from one consistent view, in the order of the keys. As NDJSON (`Accept: application/x-ndjson`) ' +
        'without `limit` it is the whole range from one view.',
      parameters: [KEY64, PREFIX, START, LIMIT, ...READ],
      ok: {
        description: 'Entries, or with `key64` the value.',
        headers: { ...READ_HEADERS, ...NEXT_HEADER, ...VERSION_HEADER },
        content: {
          'application/json': { schema: reference('RangePage') },
          'application/x-ndjson': { schema: { type: 'string', description: 'A line of JSON, an `Entry`, for each.' } },
          ...BYTES,
        },
      },
      ...getOne,
    }),
    put: operation({
      id: 'putKey64',
      summary: 'Write a value, the key in base64url',
      parameters: [KEY64, ...KEY_WRITE],
      ...putOne,
    }),
    delete: operation({
      id: 'deleteKey64',
      summary: 'Remove a key, given in base64url',
      parameters: [KEY64, ...KEY_WRITE],
      ...deleteOne,
    }),
  },
  '/v1/txn': {
    post: operation({
      id: 'postTransaction',
      summary: 'Conditions and operations, all or nothing',
      parameters: WRITE,
      body: json(reference('Transaction')) ?? {},
      ok: written('TransactionAnswer'),
      ...failed,
    }),
  },
};
