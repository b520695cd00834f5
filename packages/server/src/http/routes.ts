/**
 * The one table of routes: which path takes which method, and who answers. A path of the interface that is not there
 * yet is in it, too, and says so; a path that is not in it does not exist.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NotImplemented } from 'quorate/client';
import type { QuorateError } from 'quorate/errors';
import type { Store } from '../store/store.js';
import type { Turns } from '../turns.js';
import type { EncodedEntries } from './encoded-entries.js';
import { MethodNotAllowed, UnknownRoute } from './http-errors.js';
import type { LongAnswers } from './long-answers.js';
import { splitUrl } from './request-target.js';
import { getLivez, getReadyz, getStatus } from './routes/health.js';
import { deleteKey, getKey, putKey } from './routes/key-value.js';
import { postTransfer } from './routes/leader.js';
import { getMetrics } from './routes/metrics.js';
import { getOpenApi } from './routes/openapi.js';
import { getRange } from './routes/range.js';
import { getSnapshot, postSnapshot } from './routes/snapshot.js';
import { postTransaction, transactionBodyLimit } from './routes/transaction.js';
import { getWatch } from './routes/watch.js';

/** What the handlers work with. */
export interface Routes {
  /** The largest value, in bytes. */
  readonly maxValueBytes: number;
  /** The store; throws Starting or Stopped while there is none. */
  store(): Store;
  readonly watches: LongAnswers;
  /** What watches send. */
  readonly events: EncodedEntries;
  readonly exports: LongAnswers;
  /** For each step of what takes many. */
  readonly turns: Turns;
  /** How often a watch tells how far it is, and how long a client may read nothing, in milliseconds. */
  readonly streamTimes: { readonly progressMs: number; readonly stallMs: number };
  /** Logs what nobody expected. */
  unexpected(error: unknown, request: FastifyRequest): void;
  /** Logs why an answer broke off. */
  unfinished(error: unknown, request: FastifyRequest): void;
  /** The figures of this server, in whatever state the store is. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
  /** Answers with a problem document, with the status of the error's code unless told otherwise. */
  sendError(request: FastifyRequest, reply: FastifyReply, error: QuorateError, status?: number): FastifyReply;
}

export type Method = 'GET' | 'PUT' | 'DELETE' | 'POST';
type Handler = (routes: Routes, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

export interface Route {
  /** The path as fastify takes it. */
  readonly url: string;
  /** Refused with 503 while the event loop is late. */
  readonly shed: boolean;
  readonly handlers: Readonly<Partial<Record<Method, Handler>>>;
  /** The largest body, in bytes, given that of a value. Default: that of a value. */
  readonly bodyLimit?: (maxValueBytes: number) => number;
}

export const ROUTES: readonly Route[] = [
  { url: '/v1/kv/*', shed: true, handlers: { GET: getKey, PUT: putKey, DELETE: deleteKey } },
  { url: '/v1/kv', shed: true, handlers: { GET: getKeyOrRange, PUT: putKey, DELETE: deleteKey } },
  { url: '/v1/status', shed: false, handlers: { GET: getStatus } },
  { url: '/v1/openapi.json', shed: false, handlers: { GET: getOpenApi } },
  { url: '/v1/leader/transfer', shed: false, handlers: { POST: postTransfer } },
  { url: '/livez', shed: false, handlers: { GET: getLivez } },
  { url: '/readyz', shed: false, handlers: { GET: getReadyz } },
  { url: '/v1/txn', shed: true, handlers: { POST: postTransaction }, bodyLimit: transactionBodyLimit },
  { url: '/v1/watch', shed: true, handlers: { GET: getWatch } },
  { url: '/v1/members', shed: false, handlers: { GET: notThereYet, POST: notThereYet, DELETE: notThereYet } },
  { url: '/v1/members/*', shed: false, handlers: { GET: notThereYet, POST: notThereYet, DELETE: notThereYet } },
  { url: '/v1/snapshot', shed: false, handlers: { GET: getSnapshot, POST: postSnapshot } },
  { url: '/metrics', shed: false, handlers: { GET: getMetrics } },
];

/** Why no handler was found for a request: a wrong method, or no such path. */
export function routeError(request: FastifyRequest): QuorateError {
  const { method } = request;
  const { path } = splitUrl(request.raw.url ?? '');
  const route = ROUTES.find(({ url }) => matches(url, path));
  if (route === undefined) return new UnknownRoute({ method, path });
  const allowed = Object.keys(route.handlers).flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name]));
  return new MethodNotAllowed({ method, path, allowed });
}

/** The router decodes before it matches (`/v1/k%76`); paths of the interface are these, letter by letter. */
export function matches(url: string, path: string): boolean {
  return url.endsWith('*') ? path.startsWith(url.slice(0, -1)) : path === url;
}

/** With `key64` it is one key, otherwise a range. */
function getKeyOrRange(routes: Routes, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { query } = splitUrl(request.raw.url ?? '');
  const oneKey = query.split('&').some((part) => part === 'key64' || part.startsWith('key64='));
  return (oneKey ? getKey : getRange)(routes, request, reply);
}

async function notThereYet(_: Routes, request: FastifyRequest): Promise<never> {
  throw new NotImplemented({ feature: `${request.method} ${splitUrl(request.raw.url ?? '').path}` });
}
