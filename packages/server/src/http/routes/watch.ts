/**
 * `GET /v1/watch?prefix=&from=`: every change once, in order, as server-sent events. One entry is one event: its id is
 * the token of the entry's index, so that a client that resumes behind the last id it saw misses nothing and sees
 * nothing twice, or hears that it is of another history. A watch that cannot go on must say why in its last event.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Change, ChangedEntry } from 'quorate/client';
import { InvalidArgument, invariant, NoLeader, QuorateError, TokenMismatch } from 'quorate/errors';
import { decodeToken, encodeToken } from 'quorate/reads';
import type { ChangeCursor } from '../../store/change-cursor.js';
import type { Turns } from '../../turns.js';
import type { EncodedEntries } from '../encoded-entries.js';
import { MAX_TIMEOUT_MS, tokenOf, WATCH_PARAMETERS, wholeNumber } from '../parameters.js';
import { internalProblem, problemOf } from '../problem.js';
import { parseQuery } from '../request-target.js';
import type { Routes } from '../routes.js';
import { StreamedBody } from '../streamed-body.js';

const DEFAULT_TIMEOUT_MS = 5_000;

export async function getWatch(routes: Routes, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const parameters = parseQuery(request.raw.url ?? '', WATCH_PARAMETERS);
  const timeoutMs = wholeNumber(parameters, 'timeout_ms', 1, MAX_TIMEOUT_MS) ?? DEFAULT_TIMEOUT_MS;
  const prefix = parameters.get('prefix') ?? '';
  const { from, token } = lastEventId(request) ?? {
    from: wholeNumber(parameters, 'from', 1, Number.MAX_SAFE_INTEGER) ?? null,
    token: tokenOf(parameters, request.headers),
  };
  const store = routes.store();
  using answer = routes.watches.enter(reply);
  const wait = { timeoutMs, signal: answer.signal };
  const cursor = await store.watch({ prefix, from, token }, wait).catch((error: unknown) => {
    // Told to end while it waited for its beginning: for the client that is why, not that something was canceled.
    throw answer.signal.aborted ? answer.signal.reason : error;
  });
  const { id, clusterId: source } = store.status();
  invariant(source !== null, 'a watch begins when there is a cluster');
  // Proxies that collect answers before they pass them on would keep the events back.
  reply.headers({ 'Quorate-Served-By': id, 'X-Accel-Buffering': 'no' });
  reply.type('text/event-stream; charset=utf-8');
  if (request.method === 'HEAD') return reply.send();
  const { progressMs, stallMs } = routes.streamTimes;
  const body = new StreamedBody(reply, { stallMs, signal: answer.signal });
  try {
    await follow(cursor, body, {
      ...{ source, progressMs, signal: answer.signal, turns: routes.turns, events: routes.events },
      hasLeader: () => store.status().leader !== null,
    });
  } catch (error) {
    if (!answer.gone) body.end(lastEvent(error, routes, request));
  }
  return reply;
}

interface Following {
  /** The cluster id, for the ids of events: of the history that they tell of. */
  readonly source: string;
  readonly progressMs: number;
  readonly signal: AbortSignal;
  readonly turns: Turns;
  readonly events: EncodedEntries;
  readonly hasLeader: () => boolean;
}

/** Goes on until something ends it: it never returns. */
async function follow(cursor: ChangeCursor, body: StreamedBody, options: Following): Promise<never> {
  const { source, progressMs, signal, turns, events, hasLeader } = options;
  let hadLeader = true;
  const sendProgress = () => body.send(progressEvent(cursor, source));
  await sendProgress();
  for (let sentAtMs = performance.now(); ; ) {
    signal.throwIfAborted();
    if (await turns.run(() => sendNext(cursor, body, { encoded: events, source }))) {
      sentAtMs = performance.now();
    } else if (cursor.behind) continue;
    else if (performance.now() - sentAtMs < progressMs) {
      await cursor.wait(Math.max(1, sentAtMs + progressMs - performance.now()), signal);
    } else {
      // A replica that is cut off from the others hears of no change. Its clients shall find another one that does.
      if (!hasLeader() && !hadLeader) throw new NoLeader();
      hadLeader = hasLeader();
      await turns.run(sendProgress);
      sentAtMs = performance.now();
    }
  }
}

/** One short step. Resolves when there is room for more; to false when nothing was sent. */
async function sendNext(
  cursor: ChangeCursor,
  body: StreamedBody,
  { encoded, source }: { readonly encoded: EncodedEntries; readonly source: string },
): Promise<boolean> {
  const events = cursor.take().map((entry) => encoded.of(entry, source));
  const [first] = events;
  if (first === undefined) return false;
  await body.send(events.length === 1 ? first : Buffer.concat(events));
  return true;
}

function progressEvent({ upTo }: ChangeCursor, source: string): string {
  return eventText('progress', encodeToken({ source, index: upTo }), JSON.stringify({ index: upTo }));
}

export function changeEvent({ index, term, changes }: ChangedEntry, source: string): Buffer {
  const data = JSON.stringify({ index, term, changes: changes.map(changeJson) });
  return Buffer.from(eventText('change', encodeToken({ source, index }), data));
}

function changeJson(change: Change): object {
  if (change.kind === 'delete') return { kind: 'delete', key: change.key };
  const { kind, key, value, version } = change;
  const valueBase64 = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  return { kind, key, valueBase64, version };
}

/** Without an id: what was seen last stays what it is. */
function lastEvent(error: unknown, routes: Routes, request: FastifyRequest): string {
  const known = error instanceof QuorateError;
  if (!known) routes.unexpected(error, request);
  return eventText('end', null, JSON.stringify(known ? problemOf(error, false) : internalProblem(false)));
}

/** Set by clients that resume by themselves, as browsers do: it is newer than what stands in the URL. */
function lastEventId(request: FastifyRequest): { readonly from: number; readonly token: string } | null {
  const header = request.headers['last-event-id'];
  if (header === undefined || header === '') return null;
  const token = Array.isArray(header) ? header.join(', ') : header;
  const from = indexOf(token) + 1;
  if (Number.isSafeInteger(from)) return { from, token };
  throw new InvalidArgument({ field: 'Last-Event-ID', expected: 'the id of an event of a watch', received: token });
}

/** Of the event with this id; NaN when there is none. */
function indexOf(id: string): number {
  try {
    return decodeToken(id).index;
  } catch (error) {
    if (error instanceof TokenMismatch) return Number.NaN;
    throw error;
  }
}

/** One event. `data` must be without line breaks, as JSON is. */
function eventText(event: string, id: string | null, data: string): string {
  return `event: ${event}\n${id === null ? '' : `id: ${id}\n`}data: ${data}\n\n`;
}
