/**
 * The body of a long answer, no faster than its client reads it: what waits for a client is one piece at most. A client
 * that reads nothing for long is cut; it must never hold up anything else, nor take memory without end.
 */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import { Overloaded } from 'quorate/errors';

/** How long the last piece may take to leave, in milliseconds, before the connection is cut. */
const LINGER_MS = 2_000;

export interface StreamedBodyOptions {
  /** How long the client may read nothing, in milliseconds. */
  readonly stallMs: number;
  /** Ends every wait. */
  readonly signal: AbortSignal;
}

export class StreamedBody {
  readonly #raw: FastifyReply['raw'];
  readonly #options: StreamedBodyOptions;

  /** Takes the answer over, with the headers that it has so far: fastify has nothing to do with it any more. */
  constructor(reply: FastifyReply, options: StreamedBodyOptions) {
    this.#raw = reply.raw;
    this.#options = options;
    reply.headers({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', Connection: 'close' });
    reply.hijack();
    this.#raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders);
  }

  /**
   * Resolves when there is room for more. Rejects with Overloaded when the client has read nothing for too long, and
   * with the reason of the signal.
   */
  async send(piece: string | Uint8Array): Promise<void> {
    const { signal, stallMs } = this.#options;
    signal.throwIfAborted();
    if (this.#raw.write(piece)) return;
    await new Promise<void>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#raw.off('drain', onDrain);
        signal.removeEventListener('abort', onAbort);
      };
      const onDrain = () => {
        settle();
        resolve();
      };
      const onAbort = () => {
        settle();
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Overloaded({ queue: 'milliseconds in which nothing was read', limit: stallMs }));
      }, stallMs);
      this.#raw.once('drain', onDrain);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** The last piece; the body is whole. A client that does not take it is cut. */
  end(text = ''): void {
    const cut = setTimeout(() => this.#raw.destroy(), LINGER_MS);
    this.#raw.once('close', () => clearTimeout(cut));
    this.#raw.end(text);
  }

  /** Breaks the connection, so that nobody can take what was sent for the whole. */
  cut(): void {
    this.#raw.destroy();
  }
}
