/**
 * The parameters of reads and writes, out of query and headers, checked. What the interface will have and does not
 * have yet is refused with NotImplemented: a condition or level that is ignored in silence would be a broken promise.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { NotImplemented } from 'quorate/client';
import { InvalidArgument } from 'quorate/errors';
import type { ReadOptions } from 'quorate/reads';
import type { KeyWriteOptions, WriteOptions } from '../store/store.js';

/** Longest deadline a caller may ask for, in milliseconds. */
export const MAX_TIMEOUT_MS = 60_000;

/** Of a snapshot, and its default: a large state is written slowly, to leave the disk to reads and writes. */
export const MAX_SNAPSHOT_TIMEOUT_MS = 3_600_000;
export const SNAPSHOT_TIMEOUT_MS = 60_000;

const READ_PARAMETERS = ['level', 'token', 'min_index', 'max_staleness_ms', 'timeout_ms'];
export const GET_PARAMETERS: readonly string[] = ['key64', ...READ_PARAMETERS];
export const RANGE_PARAMETERS: readonly string[] = ['prefix', 'start', 'limit', ...READ_PARAMETERS];
export const TRANSACTION_PARAMETERS: readonly string[] = ['if_term', 'timeout_ms'];
export const WATCH_PARAMETERS: readonly string[] = ['prefix', 'from', 'token', 'timeout_ms'];
export const WRITE_PARAMETERS: readonly string[] = ['key64', 'if_version', ...TRANSACTION_PARAMETERS];

/** Headers that would make a write another one: not to be ignored in silence. */
export const HEADERS_TO_COME: readonly string[] = ['If-Match', 'If-None-Match', 'If-Unmodified-Since'];

const LEVELS = ['linearizable', 'session', 'local'] as const;
const LEVELS_TO_COME = ['lease', 'bounded'];

type Parameters = ReadonlyMap<string, string>;

/** Throws InvalidArgument or NotImplemented. */
export function readOptions(parameters: Parameters, headers: IncomingHttpHeaders, signal: AbortSignal): ReadOptions {
  const level = levelOf(parameters.get('level') ?? 'linearizable');
  if (parameters.has('max_staleness_ms')) throw new NotImplemented({ feature: 'max_staleness_ms' });
  const token = tokenOf(parameters, headers);
  const minIndex = wholeNumber(parameters, 'min_index', 0, Number.MAX_SAFE_INTEGER);
  const timeoutMs = wholeNumber(parameters, 'timeout_ms', 1, MAX_TIMEOUT_MS);
  if (level === 'local' && minIndex !== undefined) {
    throw new InvalidArgument({ field: 'min_index', expected: 'left out with level=local', received: minIndex });
  }
  if (level === 'session' && token === undefined && minIndex === undefined) {
    throw new InvalidArgument({ field: 'token', expected: 'given with level=session', received: 'none' });
  }
  return {
    level,
    signal,
    ...(token === undefined ? {} : { token }),
    ...(minIndex === undefined ? {} : { minIndex }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** Throws InvalidArgument or NotImplemented. `signal` ends the waiting, not the write. */
export function keyWriteOptions(
  parameters: Parameters,
  headers: IncomingHttpHeaders,
  signal: AbortSignal,
): KeyWriteOptions {
  const ifVersion = wholeNumber(parameters, 'if_version', 0, Number.MAX_SAFE_INTEGER);
  return { ...(ifVersion === undefined ? {} : { ifVersion }), ...writeOptions(parameters, headers, signal) };
}

/** As `keyWriteOptions`. A token matters to a write only beside an idempotency key. */
export function writeOptions(parameters: Parameters, headers: IncomingHttpHeaders, signal: AbortSignal): WriteOptions {
  for (const name of HEADERS_TO_COME) {
    if (headers[name.toLowerCase()] !== undefined) throw new NotImplemented({ feature: `the header ${name}` });
  }
  const ifTerm = wholeNumber(parameters, 'if_term', 1, Number.MAX_SAFE_INTEGER);
  const timeoutMs = wholeNumber(parameters, 'timeout_ms', 1, MAX_TIMEOUT_MS);
  const idempotencyKey = idempotencyKeyOf(headers);
  const token = idempotencyKey === undefined ? undefined : tokenOf(parameters, headers);
  return {
    signal,
    ...(ifTerm === undefined ? {} : { ifTerm }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(token === undefined ? {} : { token }),
  };
}

/** Digits only: `1e3`, ` 7` and `0x7` are not numbers here. */
export function wholeNumber(parameters: Parameters, field: string, least: number, most: number): number | undefined {
  const text = parameters.get(field);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new InvalidArgument({ field, expected: `a whole number from ${least} to ${most}`, received: text });
  }
  return value;
}

function levelOf(text: string): (typeof LEVELS)[number] {
  const level = LEVELS.find((known) => known === text);
  if (level !== undefined) return level;
  if (LEVELS_TO_COME.includes(text)) throw new NotImplemented({ feature: `level=${text}` });
  throw new InvalidArgument({ field: 'level', expected: `one of ${LEVELS.join(', ')}`, received: text });
}

/** The header as it was sent: two of them would come as one with a blank in it, which is none. */
function idempotencyKeyOf(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new InvalidArgument({
    field: 'Idempotency-Key',
    expected: 'one header of 1 to 255 visible ASCII characters',
    received: Array.isArray(key) ? key.join(', ') : key,
  });
}

/** Throws InvalidArgument. */
export function tokenOf(parameters: Parameters, headers: IncomingHttpHeaders): string | undefined {
  const header = headers['quorate-token'];
  const inHeader = Array.isArray(header) ? header.join(', ') : header;
  const inQuery = parameters.get('token');
  if (inHeader !== undefined && inQuery !== undefined && inHeader !== inQuery) {
    throw new InvalidArgument({ field: 'token', expected: 'the same as the header Quorate-Token', received: inQuery });
  }
  const token = inQuery ?? inHeader;
  if (token === '') throw new InvalidArgument({ field: 'token', expected: 'a token', received: token });
  return token;
}
