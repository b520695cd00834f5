/**
 * The client of a Quorate cluster: reads from any replica, writes through any, retries what is safe to retry and
 * nothing else. Every write has an idempotency key, so that it is applied once however often it is sent; one that is
 * reported as failed carries an outcome, and `not-applied` only where that is certain.
 */
import { randomUUID } from 'node:crypto';
import { checkInteger, Overloaded, TokenMismatch } from '../errors/index.js';
import {
  type DeleteAnswer,
  deleteAnswer,
  type Entry,
  jsonBody,
  numberHeader,
  type RangePage,
  type ReadAnswer,
  rangePage,
  readAnswer,
  type ServerStatus,
  type SnapshotAnswer,
  type StoredValue,
  snapshotAnswer,
  type TransactionAnswer,
  textHeader,
  transactionAnswer,
  type WriteAnswer,
  writeAnswer,
} from './answers.js';
import { type Call, carryThrough } from './attempts.js';
import { Endpoints } from './endpoints.js';
import { type HttpAnswer, type HttpRequest, HttpTransport } from './http-transport.js';
import {
  type CheckedOptions,
  type ClientOptions,
  checkEndpoint,
  checkIdempotencyKey,
  checkOptions,
  checkSnapshotTimeout,
  checkTimeout,
  MAX_TIMEOUT_MS,
  type RangeQuery,
  type ReadOptions,
  type RequestOptions,
  type SnapshotOptions,
  type Transaction,
  type WatchOptions,
  type WriteOptions,
} from './options.js';
import { keyPath, type Query, withQuery } from './paths.js';
import { Session } from './session.js';
import { type Backup, streamedBackup } from './streamed-backup.js';
import { streamedEntries } from './streamed-entries.js';
import { transactionBody } from './transaction-body.js';
import { watch } from './watch.js';
import type { WatchEvent } from './watch-events.js';

/** Behind all keys that anybody uses: a page from here on is as good as empty. */
const LAST_KEYS = '\u{10ffff}';

/** A server that does not say within this time that it is ready is passed over, in milliseconds. */
const READY_MS = 2_000;

type Written = Pick<HttpRequest, 'method' | 'path' | 'body'>;

/**
 * All calls reject with a `QuorateError`: the server's own, or `ConnectionFailed`, `Timeout`, `Canceled`, `Overloaded`,
 * `InvalidArgument`.
 */
export class Client {
  readonly #options: CheckedOptions;
  readonly #endpoints: Endpoints;
  readonly #transport: HttpTransport;
  #inFlight = 0;
  readonly #session: Session;

  constructor(options: ClientOptions) {
    this.#options = checkOptions(options);
    this.#endpoints = new Endpoints(this.#options.endpoints);
    this.#transport = new HttpTransport(this.#options);
    this.#session = new Session(this.#options.token);
  }

  /**
   * The newest token of all answers so far; `session` reads use it unless given another. Null before the first answer,
   * and when the servers did not take it. After a restore the next such read rejects with TokenMismatch, once.
   */
  get token(): string | null {
    return this.#session.token;
  }

  /** The value of a key with its version; `value` is null when there is no such key. */
  async get(key: string, options: ReadOptions = {}): Promise<ReadAnswer<StoredValue | null>> {
    const answer = await this.#read(options, (query) => keyPath(key, query));
    const level = options.level ?? 'linearizable';
    if (answer.status === 404) return readAnswer(answer, level, null);
    return readAnswer(answer, level, { value: answer.body, version: numberHeader(answer, 'quorate-version') });
  }

  /** One page of a range, from one consistent view. */
  async range(query: RangeQuery = {}, options: ReadOptions = {}): Promise<ReadAnswer<RangePage>> {
    const { prefix, start, limit } = query;
    const path = (read: Query) => withQuery('/v1/kv', { prefix, start, limit, ...read });
    const answer = await this.#read(options, path);
    return readAnswer(answer, options.level ?? 'linearizable', rangePage(answer));
  }

  /**
   * All entries of a range, page after page. Each page is one consistent view; the range as a whole is not. No page is
   * older than the one before it, except at the level `local`, which promises nothing. `limit` and `timeoutMs` are for
   * each page.
   */
  async *entries(query: RangeQuery = {}, options: ReadOptions = {}): AsyncGenerator<Entry, void, void> {
    let page = await this.range(query, options);
    for (;;) {
      yield* page.value.entries;
      if (page.value.next === null) return;
      // It contains whatever token the caller gave, and is of no use after a restore, as an index alone would be.
      const floor = options.level === 'local' ? {} : { token: page.token };
      page = await this.range({ ...query, start: page.value.next }, { ...options, ...floor });
    }
  }

  /**
   * All entries of a range, from one consistent view: writes that are made meanwhile do not show. It is not begun anew
   * when it breaks off, but rejects with ConnectionFailed. `timeoutMs` is the deadline of its beginning. What is not
   * asked for stays at the server, which breaks it off when nothing is read for thirty seconds.
   */
  async *export(
    query: Pick<RangeQuery, 'prefix' | 'start'> = {},
    options: ReadOptions = {},
  ): AsyncGenerator<Entry, void, void> {
    const { prefix, start } = query;
    const path = (read: Query) => withQuery('/v1/kv', { prefix, start, ...read });
    const answer = await this.#read(options, path, { streamed: true, headers: { accept: 'application/x-ndjson' } });
    yield* streamedEntries(answer, options.signal);
  }

  /**
   * Writes a value. A text is written as UTF-8. Rejects with ConditionFailed or TermChanged when a condition does not
   * hold.
   */
  async put(key: string, value: Uint8Array | string, options: WriteOptions = {}): Promise<WriteAnswer> {
    const body = typeof value === 'string' ? Buffer.from(value) : value;
    return writeAnswer(await this.#write(options, (query) => ({ method: 'PUT', path: keyPath(key, query), body })));
  }

  /** Removes a key. To remove one that does not exist succeeds, with `deleted: false`. */
  async delete(key: string, options: WriteOptions = {}): Promise<DeleteAnswer> {
    return deleteAnswer(await this.#write(options, (query) => ({ method: 'DELETE', path: keyPath(key, query) })));
  }

  /**
   * Conditions and operations, all or nothing, as one entry of the log. Rejects with ConditionFailed, whose `condition`
   * says which one did not hold, or with TermChanged.
   */
  async txn(transaction: Transaction, options: Omit<WriteOptions, 'ifVersion'> = {}): Promise<TransactionAnswer> {
    const body = transactionBody(transaction);
    const written = (query: Query): Written => ({ method: 'POST', path: withQuery('/v1/txn', query), body });
    return transactionAnswer(await this.#write(options, written));
  }

  /**
   * Every change once, in order, from whichever server there is: it goes over to another one when its server ends, and
   * resumes behind the last event that it handed out. The first event is a progress: the watch begins behind its index.
   * Rejects with WatchExpired when the changes from `from` on are not kept any more, and with TokenMismatch when the
   * cluster was restored, before or meanwhile. Events wait in the socket until they are asked for. To go on later, in
   * another process, pass the index of the last event plus 1 as `from`, and its token.
   */
  watch(options: WatchOptions = {}): AsyncGenerator<WatchEvent, void, void> {
    const { prefix = '', from, token, signal, timeoutMs = MAX_TIMEOUT_MS } = options;
    if (from !== undefined) checkInteger('from', from, 1);
    const limits = { signal, timeoutMs: checkTimeout(timeoutMs) };
    return watch({ prefix, from, token, ...limits, endpoints: this.#endpoints, transport: this.#transport });
  }

  /** What one server says of itself: `endpoint`, asked once, or any that answers. */
  async status(options: RequestOptions & { readonly endpoint?: string } = {}): Promise<ServerStatus> {
    const { endpoint } = options;
    const endpoints = endpoint === undefined ? this.#endpoints : new Endpoints([checkEndpoint(endpoint)]);
    const answer = await this.#call({
      ...this.#limits(options),
      write: false,
      once: endpoint !== undefined,
      endpoints,
      request: () => ({ method: 'GET', path: '/v1/status', outcome: null }),
    });
    return jsonBody(answer) as unknown as ServerStatus;
  }

  /**
   * Hands the leadership over, to `to` or to whom the leader chooses, and resolves once the old leader has seen it
   * done.
   */
  async transferLeadership(options: RequestOptions & { readonly to?: string } = {}): Promise<void> {
    await this.#call({
      ...this.#limits(options),
      write: true,
      endpoints: this.#endpoints,
      request: ({ timeoutMs }) => {
        const path = withQuery('/v1/leader/transfer', { to: options.to, timeout_ms: timeoutMs });
        return { method: 'POST', path, outcome: 'unknown' };
      },
    });
  }

  /**
   * Makes one server write its state to a snapshot now: `endpoint`, asked once, or any that answers. Resolves when it
   * is durable there.
   */
  async snapshot(options: SnapshotOptions & { readonly endpoint?: string } = {}): Promise<SnapshotAnswer> {
    const { endpoint, signal } = options;
    const endpoints = endpoint === undefined ? this.#endpoints : new Endpoints([checkEndpoint(endpoint)]);
    const answer = await this.#call({
      ...{ signal, timeoutMs: checkSnapshotTimeout(options.timeoutMs), write: true, once: endpoint !== undefined },
      endpoints,
      request: ({ timeoutMs }) => {
        return { method: 'POST', path: withQuery('/v1/snapshot', { timeout_ms: timeoutMs }), outcome: 'unknown' };
      },
    });
    return snapshotAnswer(answer);
  }

  /**
   * A backup: the file of a snapshot with every write that was acknowledged before this call. `timeoutMs` is for the
   * snapshot; its file may then take as long as it keeps coming. Its chunks are to be read to their end; they break off
   * with ConnectionFailed. Whoever keeps the file should check it (`verifySnapshot`).
   */
  async backup(options: SnapshotOptions = {}): Promise<Backup> {
    const { signal } = options;
    const call = { signal, write: false, endpoints: this.#endpoints };
    const timeoutMs = checkSnapshotTimeout(options.timeoutMs);
    const deadline = performance.now() + timeoutMs;
    // Given up at half of the time, a snapshot would be begun anew elsewhere. So one server gets all of the time, and
    // has to be one that does not hang.
    const { endpoint } = await this.#call({
      ...{ ...call, timeoutMs, attemptMs: READY_MS },
      request: () => ({ method: 'GET', path: '/readyz', outcome: null }),
    });
    const answer = await this.#call({
      ...{ ...call, timeoutMs: Math.max(1, Math.ceil(deadline - performance.now())), ready: new URL(endpoint) },
      request: ({ timeoutMs: attemptMs }) => {
        const path = withQuery('/v1/snapshot', { timeout_ms: attemptMs });
        return { method: 'GET', path, outcome: null, streamed: true };
      },
    });
    return streamedBackup(answer, signal);
  }

  /** Closes the connections. Calls under way fail with ConnectionFailed. */
  close(): void {
    this.#transport.close();
  }

  async #read(
    options: ReadOptions,
    path: (query: Query) => string,
    request: Pick<HttpRequest, 'streamed' | 'headers'> = {},
  ): Promise<HttpAnswer> {
    const { level } = options;
    const ofSession = level === 'session' && options.token === undefined && options.minIndex === undefined;
    const { token, minIndex } = ofSession ? this.#session.floor() : options;
    const call = this.#call({
      ...this.#limits(options),
      write: false,
      endpoints: this.#endpoints,
      request: ({ timeoutMs, floor }): HttpRequest => {
        const min_index = floor === null ? minIndex : Math.max(floor, minIndex ?? 0);
        const query = path({ level, min_index, timeout_ms: timeoutMs });
        const withToken = token === undefined ? {} : { 'quorate-token': token };
        return {
          ...request,
          ...{ method: 'GET', path: query, outcome: null, headers: { ...request.headers, ...withToken } },
        };
      },
    });
    try {
      const answer = await call;
      this.#remember(answer);
      return answer;
    } catch (error) {
      if (ofSession && token !== undefined && error instanceof TokenMismatch) {
        this.#session.refused(token, { told: true });
      }
      throw error;
    }
  }

  /** Every attempt carries the same key, and the token that was held before the first of them. */
  async #write(options: WriteOptions, written: (query: Query) => Written): Promise<HttpAnswer> {
    const { ifVersion, ifTerm } = options;
    const idempotencyKey = checkIdempotencyKey(options.idempotencyKey ?? randomUUID());
    const { timeoutMs, signal } = this.#limits(options);
    const deadline = performance.now() + timeoutMs;
    const remainingMs = () => Math.max(1, Math.ceil(deadline - performance.now()));
    let held = options.token ?? this.token ?? (await this.#firstToken({ timeoutMs, signal }));
    try {
      const answer = await this.#call({
        timeoutMs: remainingMs(),
        signal,
        write: true,
        keyed: true,
        endpoints: this.#endpoints,
        renewToken: options.token === undefined ? (token) => (held = token) : undefined,
        request: ({ timeoutMs: attemptMs }) => ({
          ...written({ if_version: ifVersion, if_term: ifTerm, timeout_ms: attemptMs }),
          outcome: 'unknown',
          headers: { 'idempotency-key': idempotencyKey, 'quorate-token': held },
        }),
      });
      this.#remember(answer);
      return answer;
    } catch (error) {
      if (!(error instanceof TokenMismatch) || options.token !== undefined) throw error;
      // What this client has seen is of another history, from before a restore, and nothing was applied in this one.
      // The write can go on; the next read of the session says that it was broken.
      this.#session.refused(held, { told: false });
      return this.#write({ ...options, idempotencyKey, timeoutMs: remainingMs() }, written);
    }
  }

  /**
   * A client's first write asks any replica how far it is. Without a token from before the first attempt nobody could
   * tell, when it is repeated, whether its record may be gone.
   */
  async #firstToken(limits: { timeoutMs: number; signal: AbortSignal | undefined }): Promise<string> {
    const answer = await this.#call({
      ...limits,
      write: true,
      keyed: true,
      endpoints: this.#endpoints,
      request: ({ timeoutMs }) => {
        const path = withQuery('/v1/kv', { start: LAST_KEYS, limit: 1, level: 'local', timeout_ms: timeoutMs });
        return { method: 'GET', path, outcome: 'not-applied' };
      },
    });
    return textHeader(answer, 'quorate-token');
  }

  async #call(call: Call & { readonly endpoints: Endpoints }): Promise<HttpAnswer> {
    const { maxInFlight } = this.#options;
    if (this.#inFlight >= maxInFlight) {
      const outcome = call.write ? 'not-applied' : null;
      throw new Overloaded({ queue: 'calls under way', limit: maxInFlight }, { outcome });
    }
    this.#inFlight += 1;
    try {
      return await carryThrough(call, call.endpoints, this.#transport);
    } finally {
      this.#inFlight -= 1;
    }
  }

  #limits(options: RequestOptions): { timeoutMs: number; signal: AbortSignal | undefined } {
    const { timeoutMs = this.#options.timeoutMs, signal } = options;
    return { timeoutMs: checkTimeout(timeoutMs), signal };
  }

  #remember(answer: HttpAnswer): void {
    this.#session.seen(textHeader(answer, 'quorate-token'));
  }
}
