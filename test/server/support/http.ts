/** A server over a fake store, and requests that go out exactly as they are written: no client may tidy a path up. */
import http, { type IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'quorate';
import { HttpServer, type HttpServerOptions } from '../../../packages/server/src/http/http-server.js';
import { ServerMetrics } from '../../../packages/server/src/metrics/server-metrics.js';
import { FakeStore } from './fake-store.js';

const ignore = () => {};
export const quiet: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

export interface Served {
  readonly url: string;
  readonly store: FakeStore;
  readonly server: HttpServer;
  close(): Promise<void>;
}

export async function serveFake(options: Partial<HttpServerOptions> = {}, store = new FakeStore()): Promise<Served> {
  const metrics = new ServerMetrics(store.id);
  const server = new HttpServer({ logger: quiet, metrics, ...options });
  const url = await server.listen('127.0.0.1', 0);
  server.attach(store);
  return { url, store, server, close: () => server.close(0).finally(() => metrics.close()) };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON; throws when it is none. */
  json(): Record<string, unknown>;
}

export interface RawRequest {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
}

export function send(url: string, path: string, request: RawRequest = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const { method = 'GET', headers = {}, body } = request;
    const outgoing = http.request({ hostname, port, path, method, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const whole = Buffer.concat(chunks);
        const { statusCode: status = 0, headers: answered } = incoming;
        resolve({ status, headers: answered, body: whole, json: () => JSON.parse(whole.toString('utf8')) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
