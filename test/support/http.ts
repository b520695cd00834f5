/**
 * One HTTP request and its answer, without any retry: what a scenario asks is what it judges. A connection that
 * breaks is an answer of its own kind, never an exception that could be mistaken for a passed check.
 */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';

export interface Answer {
  /** 0 when no answer came: the connection was refused or broke, or the time was over. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Why no answer came. */
  readonly failure: string | null;
}

const agent = new Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 256 });

export function ask(
  url: string,
  options: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: Uint8Array | string;
    readonly timeoutMs?: number;
  } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, body, timeoutMs = 10_000 } = options;
  return new Promise((resolve) => {
    const none = (failure: string) => resolve({ status: 0, headers: {}, body: Buffer.alloc(0), failure });
    const request = httpRequest(url, { method, headers, agent, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => none(error.message));
      response.on('end', () => {
        const { statusCode = 0, headers: answered } = response;
        resolve({ status: statusCode, headers: answered, body: Buffer.concat(chunks), failure: null });
      });
    });
    request.on('error', (error) => none(error.message));
    request.end(body);
  });
}

/** The body of a JSON answer. */
export function json(answer: Answer): Record<string, unknown> {
  return JSON.parse(answer.body.toString('utf8')) as Record<string, unknown>;
}

/** Ends the connections that are kept open. */
export function closeConnections(): void {
  agent.destroy();
}
