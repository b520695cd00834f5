/**
 * The HTTP server of one node: it listens before the store is open and says that it is starting, serves, and drains.
 * Every failure leaves as a problem document; none may leave as HTML, as plain text, or not at all.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Logger } from 'quorate';
import { ValueTooLarge } from 'quorate/client';
import { ConsistentRead, InvalidArgument, QuorateError, Stopped } from 'quorate/errors';
import type { ServerMetrics } from '../metrics/server-metrics.js';
import type { Store } from '../store/store.js';
import { Turns } from '../turns.js';
import { EncodedEntries } from './encoded-entries.js';
import { MalformedRequest, MethodNotAllowed, Starting } from './http-errors.js';
import { LoadGate, processDelays } from './load-gate.js';
import { LongAnswers } from './long-answers.js';
import { internalProblem, PROBLEM_TYPE, type Problem, problemOf } from './problem.js';
import { splitUrl } from './request-target.js';
import { changeEvent } from './routes/watch.js';
import { type Method, matches, ROUTES, type Routes, routeError } from './routes.js';

export interface HttpServerOptions {
  readonly logger: Logger;
  readonly metrics: ServerMetrics;
  /** The largest value, in bytes. Default 1 MiB. */
  readonly maxValueBytes?: number;
  /** Median delay of the event loop above which requests for keys are refused, in milliseconds. Default 100. */
  readonly maxLoopDelayMs?: number;
  /** Watches at a time; the next one is refused with Overloaded. Default 1,000. */
  readonly maxWatches?: number;
  /** How often a watch without changes says how far it is, in milliseconds. Default 5,000. */
  readonly watchProgressMs?: number;
  /** Exports at a time; the next one is refused with Overloaded. Default 16. */
  readonly maxExports?: number;
  /** A watch or export whose client reads nothing for so long is ended, in milliseconds. Default 30,000. */
  readonly stallMs?: number;
}

/** Seconds after which a caller may come again; most of what is refused so passes within an election. */
const RETRY_AFTER_S = 1;

export class HttpServer implements Routes {
  readonly watches: LongAnswers;
  readonly events = new EncodedEntries(changeEvent);
  readonly exports: LongAnswers;
  readonly turns = new Turns();
  readonly streamTimes: { readonly progressMs: number; readonly stallMs: number };
  readonly #app: FastifyInstance;
  readonly #logger: Logger;
  readonly maxValueBytes: number;
  readonly #metrics: ServerMetrics;
  readonly #delays = processDelays();
  /** How many requests are under way on each connection. */
  readonly #underWay = new WeakMap<Socket, number>();
  #store: Store | null = null;
  #draining = false;

  constructor(options: HttpServerOptions) {
    this.#logger = options.logger;
    this.#metrics = options.metrics;
    this.maxValueBytes = options.maxValueBytes ?? 1024 * 1024;
    this.watches = new LongAnswers({ queue: 'watches', limit: options.maxWatches ?? 1_000 });
    this.exports = new LongAnswers({ queue: 'exports', limit: options.maxExports ?? 16 });
    this.streamTimes = { progressMs: options.watchProgressMs ?? 5_000, stallMs: options.stallMs ?? 30_000 };
    const gate = new LoadGate(options.maxLoopDelayMs ?? 100, this.#delays.histogram);
    this.#app = fastify({
      bodyLimit: this.maxValueBytes,
      return503OnClosing: false,
      forceCloseConnections: 'idle',
      requestTimeout: 60_000,
      clientErrorHandler: (error, socket) => this.#refuseConnection(error, socket as Socket),
      frameworkErrors: (error, request, reply) => {
        this.#answer(error, request as FastifyRequest, reply as FastifyReply);
      },
    });
    this.#acceptAnyBody();
    this.#app.addHook('onRequest', async ({ raw: { socket } }) => {
      this.#underWay.set(socket, (this.#underWay.get(socket) ?? 0) + 1);
    });
    this.#app.addHook('onResponse', async ({ raw: { socket } }) => {
      this.#underWay.set(socket, (this.#underWay.get(socket) ?? 1) - 1);
    });
    this.#app.addHook('onSend', async (_, reply) => {
      reply.headers({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
      // Otherwise the connection would stay open for the next request, and hold up the end.
      if (this.#draining) reply.header('Connection', 'close');
    });
    this.#app.setErrorHandler((error: FastifyError, request, reply) => this.#answer(error, request, reply));
    this.#app.setNotFoundHandler((request, reply) => this.sendError(request, reply, routeError(request)));
    for (const { url, shed, handlers, bodyLimit } of ROUTES) {
      for (const [method, handler] of Object.entries(handlers)) {
        this.#app.route({
          method: method as Method,
          url,
          bodyLimit: bodyLimit?.(this.maxValueBytes) ?? this.maxValueBytes,
          onRequest: async (request) => {
            if (!matches(url, splitUrl(request.raw.url ?? '').path)) throw routeError(request);
            if (shed) gate.pass();
          },
          handler: (request, reply) => handler(this, request, reply),
        });
      }
    }
  }

  /** Resolves to the address that it listens on. Rejects with the system's error (EADDRINUSE). */
  listen(host: string, port: number): Promise<string> {
    return this.#app.listen({ host, port });
  }

  /** From now on requests are served. */
  attach(store: Store): void {
    this.#store = store;
    void store.stopped.then((cause) => this.watches.end(new Stopped({ cause })));
  }

  /** From now on new requests are refused with Stopped; those under way go on, except watches, which end. */
  drain(): void {
    this.#draining = true;
    this.watches.end(new Stopped());
  }

  /** Waits for the requests under way, at most `timeoutMs`, then cuts their connections. */
  async close(timeoutMs: number): Promise<void> {
    this.drain();
    const cut = setTimeout(() => this.#app.server.closeAllConnections(), timeoutMs);
    try {
      await this.#app.close();
    } finally {
      clearTimeout(cut);
      this.#delays.stop();
    }
  }

  store(): Store {
    if (this.#draining) throw new Stopped({ outcome: 'not-applied' });
    if (this.#store === null) throw new Starting();
    return this.#store;
  }

  async metrics(): Promise<{ readonly contentType: string; readonly text: string }> {
    const { contentType } = this.#metrics;
    return { contentType, text: await this.#metrics.text(this.#store?.status() ?? null) };
  }

  sendError(request: FastifyRequest, reply: FastifyReply, error: QuorateError, status?: number): FastifyReply {
    const known = problemOf(error, isWrite(request));
    const problem = status === undefined ? known : { ...known, status };
    if (problem.status === 503 && problem.retryable) reply.header('Retry-After', RETRY_AFTER_S);
    if (error instanceof MethodNotAllowed) reply.header('Allow', error.allowed.join(', '));
    return send(reply, problem);
  }

  unexpected(error: unknown, request: FastifyRequest): void {
    this.#logger.error({ err: error, method: request.method, url: request.raw.url }, 'unexpected error');
  }

  unfinished(error: unknown, request: FastifyRequest): void {
    if (!(error instanceof QuorateError)) this.unexpected(error, request);
    else this.#logger.warn({ reason: error.message, url: request.raw.url }, 'an answer was broken off');
  }

  #answer(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const known = this.#recognise(error, request);
    if (known !== null) return this.sendError(request, reply, known);
    this.unexpected(error, request);
    return send(reply, internalProblem(isWrite(request)));
  }

  /** Null for what nobody expected. */
  #recognise(error: unknown, request: FastifyRequest): QuorateError | null {
    if (error instanceof ConsistentRead) return this.#recognise(error.cause, request);
    if (error instanceof QuorateError) return error;
    if (!(error instanceof Error)) return null;
    const { code, statusCode = 500 } = error as Partial<FastifyError>;
    if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
      const limit = request.routeOptions.bodyLimit ?? this.maxValueBytes;
      return new ValueTooLarge(limit === this.maxValueBytes ? { limit } : { field: 'body', limit });
    }
    if (code === 'FST_ERR_BAD_URL') {
      return new InvalidArgument({ field: 'key', expected: 'percent-encoded UTF-8', received: error.message });
    }
    return statusCode >= 400 && statusCode < 500 ? new MalformedRequest(error.message, error) : null;
  }

  /** Something that is no request follows on a connection. Only when it is alone there can it be answered. */
  #refuseConnection(error: Error & { code?: string }, socket: Socket): void {
    if ((this.#underWay.get(socket) ?? 0) > 0) {
      // An answer to this would be taken for the answer of a request under way, which may be a write that is applied.
      socket.destroy();
      return;
    }
    refuseConnection(error, socket);
  }

  /** The body is bytes, whatever the client says it is: the parser for "no type given" takes all of them. */
  #acceptAnyBody(): void {
    this.#app.removeAllContentTypeParsers();
    this.#app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
    this.#app.addHook('onRequest', async (request) => {
      delete request.raw.headers['content-type'];
    });
  }
}

function isWrite(request: FastifyRequest): boolean {
  return request.method !== 'GET' && request.method !== 'HEAD';
}

function send(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.status(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

/** What the HTTP parser could not read at all: there is no request to answer, only a socket. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const timedOut = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = timedOut ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
  const hint = error.code === 'HPE_INVALID_URL' ? '; keys and parameters must be percent-encoded' : '';
  const detail = timedOut
    ? 'the request did not come in time'
    : `the request is not valid HTTP: ${error.message}${hint}`;
  const body = JSON.stringify({ ...problemOf(new MalformedRequest(detail), true), status });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
