/**
 * What the server answers, as types, and how it is taken out of a response. A response that does not have what the
 * interface promises must never be passed on half understood: it is a ConnectionFailed.
 */
import type { LeaderHint } from '../errors/index.js';
import type { ReadResult } from '../reads/index.js';
import { ConnectionFailed } from './api-errors.js';
import type { HttpAnswer } from './http-transport.js';
import type { ReadLevel } from './options.js';

/** The result of a read as the library gives it, less what stays at the server. */
export type ReadAnswer<T> = Omit<ReadResult<T>, 'waited'>;

/** A value with its version. Compare versions for equality only. */
export interface StoredValue {
  readonly value: Uint8Array;
  readonly version: number;
}

export interface Entry extends StoredValue {
  readonly key: string;
}

/** A part of a range, all of it from one consistent view. */
export interface RangePage {
  readonly entries: readonly Entry[];
  /** Where the next page starts; null when this one is the last. */
  readonly next: string | null;
}

export interface WriteAnswer {
  /** Index and term of the write's entry. */
  readonly index: number;
  readonly term: number;
  /** The key's new version. */
  readonly version: number;
  /** Reads that carry it see this write. */
  readonly token: string;
}

export interface DeleteAnswer extends Omit<WriteAnswer, 'version'> {
  /** False when there was no such key. */
  readonly deleted: boolean;
}

/** What became of one operation of a transaction: a put gave the key a version, a delete found a key or not. */
export type OperationResult = { readonly version: number } | { readonly deleted: boolean };

export interface TransactionAnswer extends Omit<WriteAnswer, 'version'> {
  /** One for each operation, in their order. */
  readonly results: readonly OperationResult[];
}

/** The answer of `GET /v1/status`. */
export interface ServerStatus {
  readonly id: string;
  readonly role: string;
  readonly term: number;
  readonly leader: LeaderHint | null;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  /** Of the log, which begins behind what was cut off; 0 while the cluster forms. */
  readonly firstIndex: number;
  /** On its disk; `index` is that of the newest. */
  readonly snapshots: { readonly index: number | null; readonly count: number; readonly bytes: number };
  /** Entries behind the last confirmed bound; null when none is known. */
  readonly lag: number | null;
  /** On the leader: confirmation rounds for reads in this term; 0 elsewhere. */
  readonly rounds: number;
  /** Writes, requests for a bound and reads that wait on this server. */
  readonly waiting: number;
  /** What waits where: reads, writes, steps of the log for the disk, committed entries to be applied. */
  readonly queues: {
    readonly reads: number;
    readonly writes: number;
    readonly log: number;
    readonly apply: number;
  };
  /** What the server knows of its disk; null while its cluster forms. */
  readonly disk:
    | { readonly state: 'working' }
    | { readonly state: 'stalled'; readonly stalledMs: number }
    | { readonly state: 'failed'; readonly message: string }
    | null;
  readonly cluster: string;
  readonly clusterId: string | null;
  readonly members: readonly { readonly id: string; readonly url: string | null; readonly connected: boolean }[];
  readonly versions: { readonly server: string; readonly protocol: number; readonly node: string };
}

/** Throws ConnectionFailed when the header is missing or malformed: something else than Quorate answered. */
export function numberHeader(answer: HttpAnswer, name: string): number {
  const text = answer.headers[name];
  if (typeof text === 'string' && /^\d{1,16}$/.test(text)) return Number(text);
  throw notQuorate(answer, `the header ${name}`);
}

export function textHeader(answer: HttpAnswer, name: string): string {
  const text = answer.headers[name];
  if (typeof text === 'string') return text;
  throw notQuorate(answer, `the header ${name}`);
}

/** Takes a read's fields out of the headers. */
export function readAnswer<T>(answer: HttpAnswer, level: ReadLevel, value: T): ReadAnswer<T> {
  return {
    value,
    index: numberHeader(answer, 'quorate-index'),
    term: numberHeader(answer, 'quorate-term'),
    appliedIndex: numberHeader(answer, 'quorate-applied-index'),
    level,
    servedBy: textHeader(answer, 'quorate-served-by'),
    role: textHeader(answer, 'quorate-role'),
    token: textHeader(answer, 'quorate-token'),
  };
}

export function rangePage(answer: HttpAnswer): RangePage {
  const body = jsonBody(answer);
  if (!Array.isArray(body.entries)) throw notQuorate(answer, 'entries');
  const entries = body.entries.map(entryOf);
  return { entries, next: typeof body.next === 'string' ? body.next : null };
}

interface EntryLine {
  readonly key: string;
  readonly valueBase64: string;
  readonly version: number;
}

function entryOf({ key, valueBase64, version }: EntryLine): Entry {
  return { key, value: Buffer.from(valueBase64, 'base64'), version };
}

/** One line of an export. */
export function entryLine(answer: HttpAnswer, line: string): Entry {
  try {
    return entryOf(JSON.parse(line) as EntryLine);
  } catch (error) {
    throw notQuorate(answer, 'a key, value and version in every line', error);
  }
}

export function writeAnswer(answer: HttpAnswer): WriteAnswer {
  const { index, term, version, token } = jsonBody(answer);
  if (
    typeof index === 'number' &&
    typeof term === 'number' &&
    typeof version === 'number' &&
    typeof token === 'string'
  ) {
    return { index, term, version, token };
  }
  throw notQuorate(answer, 'index, term, version or token');
}

export function deleteAnswer(answer: HttpAnswer): DeleteAnswer {
  const { index, term, deleted, token } = jsonBody(answer);
  if (
    typeof index === 'number' &&
    typeof term === 'number' &&
    typeof deleted === 'boolean' &&
    typeof token === 'string'
  ) {
    return { index, term, deleted, token };
  }
  throw notQuorate(answer, 'index, term, deleted or token');
}

export function transactionAnswer(answer: HttpAnswer): TransactionAnswer {
  const { index, term, results, token } = jsonBody(answer);
  if (typeof index === 'number' && typeof term === 'number' && Array.isArray(results) && typeof token === 'string') {
    return { index, term, results: results as readonly OperationResult[], token };
  }
  throw notQuorate(answer, 'index, term, results or token');
}

export interface SnapshotAnswer {
  /** The last entry that the state contains. */
  readonly index: number;
  readonly term: number;
}

export function snapshotAnswer(answer: HttpAnswer): SnapshotAnswer {
  const { index, term } = jsonBody(answer);
  if (typeof index === 'number' && typeof term === 'number') return { index, term };
  throw notQuorate(answer, 'index or term');
}

/** The body of a write's answer, or of the status. */
export function jsonBody(answer: HttpAnswer): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(Buffer.from(answer.body).toString('utf8'));
    if (typeof body === 'object' && body !== null) return body as Record<string, unknown>;
  } catch (error) {
    throw notQuorate(answer, 'a JSON body', error);
  }
  throw notQuorate(answer, 'a JSON object');
}

function notQuorate(answer: HttpAnswer, missing: string, cause?: unknown): ConnectionFailed {
  const reason = `the answer (status ${answer.status}) lacks ${missing}; is this a Quorate server?`;
  return new ConnectionFailed({ endpoint: answer.endpoint, reason }, { cause, outcome: answer.outcome });
}
