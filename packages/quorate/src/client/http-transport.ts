/**
 * One HTTP exchange with one server, over kept-alive connections of `node:http` (measured on loopback: 0.12 ms at the
 * median against 0.21 ms for `fetch`, and it tells whether a request was sent). It never retries and leaves no timer
 * or listener.
 */
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { Canceled, type Outcome, Timeout } from '../errors/index.js';
import { ConnectionFailed } from './api-errors.js';

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE' | 'POST';
  /** Path and query, encoded. */
  readonly path: string;
  /** What is known of the call's write once this was sent and has no answer; null when the call is no write. */
  readonly outcome: Outcome | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** The body of a successful answer is not waited for: it comes as `stream`, over a connection of its own. */
  readonly streamed?: boolean;
}

export interface HttpAnswer {
  readonly endpoint: string;
  /** As in the request. */
  readonly outcome: Outcome | null;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Empty when there is a `stream`. */
  readonly body: Uint8Array;
  /** To be read to its end, or destroyed. Its errors are the system's. */
  readonly stream: IncomingMessage | null;
}

export interface ExchangeLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export class HttpTransport {
  #closed = false;
  readonly #streams = new Set<IncomingMessage>();
  readonly #agents: { readonly 'http:': http.Agent; readonly 'https:': https.Agent };

  constructor(options: { maxConnections: number }) {
    const agentOptions = { keepAlive: true, maxSockets: options.maxConnections };
    this.#agents = { 'http:': new http.Agent(agentOptions), 'https:': new https.Agent(agentOptions) };
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves with any answer, whatever its status. Rejects with ConnectionFailed, Timeout or Canceled. */
  exchange(endpoint: URL, request: HttpRequest, limits: ExchangeLimits): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      if (limits.signal?.aborted) {
        reject(new Canceled({ cause: limits.signal.reason, outcome: request.outcome === null ? null : 'not-applied' }));
        return;
      }
      let sent = false;
      const outcome = (): Outcome | null => (sent || request.outcome === null ? request.outcome : 'not-applied');
      const secure = endpoint.protocol === 'https:';
      const outgoing = (secure ? https : http).request(endpoint, {
        agent: request.streamed ? false : this.#agents[secure ? 'https:' : 'http:'],
        method: request.method,
        path: request.path,
        headers: requestHeaders(request),
      });
      const timer = setTimeout(() => {
        fail(new Timeout({ stage: 'an answer', timeoutMs: limits.timeoutMs }, { outcome: outcome() }));
      }, limits.timeoutMs);
      const onAbort = () => fail(new Canceled({ cause: limits.signal?.reason, outcome: outcome() }));
      limits.signal?.addEventListener('abort', onAbort, { once: true });
      const settle = () => {
        clearTimeout(timer);
        limits.signal?.removeEventListener('abort', onAbort);
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
        outgoing.destroy();
      };
      const broken = (cause: Error) => {
        const reason = (cause as NodeJS.ErrnoException).code ?? cause.message;
        fail(new ConnectionFailed({ endpoint: endpoint.origin, reason }, { cause, outcome: outcome() }));
      };

      outgoing.once('socket', (socket) => {
        if (!socket.connecting) sent = true;
        else socket.once('connect', () => (sent = true));
      });
      outgoing.on('error', broken);
      outgoing.once('response', (incoming) => {
        const { headers, statusCode: status = 0 } = incoming;
        const head = { endpoint: endpoint.origin, outcome: request.outcome, status, headers };
        if (request.streamed && status < 400) {
          settle();
          outgoing.off('error', broken);
          this.#keepStream(outgoing, incoming);
          resolve({ ...head, body: new Uint8Array(0), stream: incoming });
          return;
        }
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('error', broken);
        incoming.once('end', () => {
          settle();
          resolve({ ...head, body: Buffer.concat(chunks), stream: null });
        });
      });
      outgoing.end(request.body);
    });
  }

  /** Until it has ended, `close` destroys it. */
  #keepStream(outgoing: http.ClientRequest, incoming: IncomingMessage): void {
    this.#streams.add(incoming);
    incoming.once('close', () => this.#streams.delete(incoming));
    // Whoever reads the stream is told; when nobody does any more, nobody needs to be.
    const ignore = () => undefined;
    outgoing.on('error', ignore);
    incoming.on('error', ignore);
  }

  /** Closes the idle connections, and those under way with them: their calls fail with ConnectionFailed. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) stream.destroy(new Error('the client was closed'));
    this.#agents['http:'].destroy();
    this.#agents['https:'].destroy();
  }
}

function requestHeaders(request: HttpRequest): Record<string, string> {
  if (request.method === 'GET') return { ...request.headers };
  return { ...request.headers, 'content-length': String(request.body?.byteLength ?? 0) };
}
