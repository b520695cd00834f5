/**
 * Server-sent events on one connection, no faster than its client reads them: what waits for a client is one piece at
 * most. A client that reads nothing for long is cut; it must never hold up anything else, nor take memory without end.
 */
import type { FastifyReply } from 'fastify';
import { Overloaded } from 'quorate/errors';

/** How long the last event may take to leave, in milliseconds, before the connection is cut. */
const LINGER_MS = 2_000;

export class EventStream {
  readonly #raw: FastifyReply['raw'];
  readonly #stallMs: number;
  readonly #signal: AbortSignal;

  /** Takes the answer over: fastify has nothing to do with it any more. `signal` ends every wait. */
  constructor(reply: FastifyReply, options: { readonly stallMs: number; readonly signal: AbortSignal }) {
    this.#raw = reply.raw;
    this.#stallMs = options.stallMs;
    this.#signal = options.signal;
  }

  start(reply: FastifyReply, headers: Readonly<Record<string, string>>): void {
    reply.hijack();
    this.#raw.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      // Proxies that collect answers before they pass them on would keep the events back.
      'X-Accel-Buffering': 'no',
      Connection: 'close',
      ...headers,
    });
  }

  /**
   * Resolves when there is room for more. Rejects with Overloaded when the client has read nothing for too long, and
   * with the reason of the signal.
   */
  async send(text: string): Promise<void> {
    this.#signal.throwIfAborted();
    if (this.#raw.write(text)) return;
    await new Promise<void>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#raw.off('drain', onDrain);
        this.#signal.removeEventListener('abort', onAbort);
      };
      const onDrain = () => {
        settle();
        resolve();
      };
      const onAbort = () => {
        settle();
        reject(this.#signal.reason);
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Overloaded({ queue: 'milliseconds without reading an event', limit: this.#stallMs }));
      }, this.#stallMs);
      this.#raw.once('drain', onDrain);
      this.#signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** The last event. A client that does not take it either is cut. */
  end(text: string): void {
    const cut = setTimeout(() => this.#raw.destroy(), LINGER_MS);
    this.#raw.once('close', () => clearTimeout(cut));
    this.#raw.end(text);
  }
}

/** One event. `data` must be without line breaks, as JSON is. */
export function eventText(event: string, id: number | null, data: string): string {
  return `event: ${event}\n${id === null ? '' : `id: ${id}\n`}data: ${data}\n\n`;
}
