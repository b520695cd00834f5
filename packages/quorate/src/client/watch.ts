/**
 * A watch that goes on when its server does not: it connects again, to another server where there is one, and resumes
 * exactly behind the last event that it has handed out. No event may be handed out twice, left out, or out of order,
 * nor may two histories be told as one.
 */
import { Canceled, QuorateError } from '../errors/index.js';
import { ConnectionFailed, WatchExpired } from './api-errors.js';
import type { Endpoints } from './endpoints.js';
import { type ServerSentEvent, serverSentEvents } from './event-source.js';
import type { HttpAnswer, HttpTransport } from './http-transport.js';
import { withQuery } from './paths.js';
import { pause } from './pause.js';
import { errorFromAnswer, errorFromProblem } from './problem.js';
import type { Change, WatchEvent } from './watch-events.js';

export interface WatchParts {
  readonly prefix: string;
  readonly from: number | undefined;
  /** Of the history that `from` is an index of. */
  readonly token: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** How long it may be without a server, in milliseconds. */
  readonly timeoutMs: number;
  readonly endpoints: Endpoints;
  readonly transport: HttpTransport;
}

/** A server says how far it is every few seconds. One that says nothing for so long hangs. */
const SILENT_MS = 20_000;
/** How long one server may take to begin, in milliseconds. */
const CONNECT_MS = 5_000;
/** The pause before a server is asked a second time, in milliseconds; doubled each time, up to the largest. */
const FIRST_PAUSE_MS = 25;
const LARGEST_PAUSE_MS = 1_000;

export async function* watch(parts: WatchParts): AsyncGenerator<WatchEvent, void, void> {
  const { endpoints, transport, timeoutMs, signal } = parts;
  let { from, token } = parts;
  let last = -1;
  let lastSeenMs = performance.now();
  let pauseMs = FIRST_PAUSE_MS;
  const tried = new Set<string>();
  let expired: WatchExpired | null = null;
  for (;;) {
    const endpoint = endpoints.next(tried);
    tried.add(endpoint.origin);
    let failure: QuorateError;
    try {
      for await (const event of connection({ ...parts, from, token }, endpoint)) {
        endpoints.answered(endpoint);
        // The next server begins with a progress that says nothing new.
        if (event.kind === 'progress' && event.index <= last) continue;
        if (event.index <= last) throw broken(endpoint, `index ${event.index} came again, after ${last}`);
        last = event.index;
        from = last + 1;
        token = event.token;
        yield event;
        lastSeenMs = performance.now();
        pauseMs = FIRST_PAUSE_MS;
        tried.clear();
        tried.add(endpoint.origin);
        expired = null;
      }
      failure = broken(endpoint, 'the server ended the watch');
    } catch (error) {
      // Another server may have kept more than this one.
      if (error instanceof WatchExpired) expired = error;
      else if (!(error instanceof QuorateError) || !error.retryable) throw error;
      failure = error;
    }
    endpoints.failed(endpoint);
    if (transport.closed) throw failure;
    if (performance.now() - lastSeenMs >= timeoutMs) throw failure;
    if (endpoints.all.some((url) => !tried.has(url.origin))) continue;
    if (expired !== null) throw expired;
    tried.clear();
    await pause(pauseMs * (0.5 + Math.random()), { signal, outcome: null });
    pauseMs = Math.min(pauseMs * 2, LARGEST_PAUSE_MS);
  }
}

/** What one server tells, until it ends. Throws typed errors only. */
async function* connection(parts: WatchParts, endpoint: URL): AsyncGenerator<WatchEvent, void, void> {
  const { prefix, from, token, signal, transport } = parts;
  const timeoutMs = Math.min(CONNECT_MS, parts.timeoutMs);
  const path = withQuery('/v1/watch', { prefix, from, timeout_ms: Math.max(1, Math.floor(timeoutMs * 0.9)) });
  const headers = token === undefined ? {} : { 'quorate-token': token };
  const request = { method: 'GET', path, headers, outcome: null, streamed: true } as const;
  const answer = await transport.exchange(endpoint, request, { timeoutMs, signal });
  const { stream } = answer;
  if (stream === null) throw errorFromAnswer(answer);
  const onAbort = () => stream.destroy(new Error('canceled'));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal?.aborted) throw new Canceled({ cause: signal.reason });
    for await (const event of serverSentEvents(stream, { silentMs: SILENT_MS })) {
      if (event.event === 'end') throw errorFromProblem(jsonObject(event, answer), false);
      const read = watchEvent(event, answer);
      if (read !== null) yield read;
      if (signal?.aborted) throw new Canceled({ cause: signal.reason });
    }
  } catch (error) {
    if (signal?.aborted) throw new Canceled({ cause: signal.reason });
    if (error instanceof QuorateError) throw error;
    throw broken(endpoint, (error as Error).message, error);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    stream.destroy();
  }
}

/** Null for an event of a kind that this version does not know. */
function watchEvent(event: ServerSentEvent, answer: HttpAnswer): WatchEvent | null {
  if (event.event !== 'change' && event.event !== 'progress') return null;
  const { index, term, changes } = jsonObject(event, answer);
  if (typeof index !== 'number') throw notQuorate(answer, 'an index');
  const { id: token } = event;
  if (token === null) throw notQuorate(answer, 'an id');
  if (event.event === 'progress') return { kind: 'progress', index, token };
  if (typeof term !== 'number' || !Array.isArray(changes)) throw notQuorate(answer, 'a term and changes');
  return { kind: 'change', index, term, changes: changes.map((change) => readChange(change, answer)), token };
}

function readChange(change: Record<string, unknown>, answer: HttpAnswer): Change {
  const { kind, key, valueBase64, version } = change;
  if (typeof key === 'string') {
    if (kind === 'delete') return { kind, key };
    if (kind === 'put' && typeof valueBase64 === 'string' && typeof version === 'number') {
      return { kind, key, value: Buffer.from(valueBase64, 'base64'), version };
    }
  }
  throw notQuorate(answer, 'a change as this client knows it');
}

function jsonObject(event: ServerSentEvent, answer: HttpAnswer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(event.data);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    throw notQuorate(answer, 'JSON', error);
  }
  throw notQuorate(answer, 'a JSON object');
}

function notQuorate({ endpoint }: HttpAnswer, missing: string, cause?: unknown): ConnectionFailed {
  const reason = `an event of the watch lacks ${missing}; is this a Quorate server?`;
  return new ConnectionFailed({ endpoint, reason }, { cause });
}

function broken(endpoint: URL, reason: string, cause?: unknown): ConnectionFailed {
  return new ConnectionFailed({ endpoint: endpoint.origin, reason }, { cause });
}
