/**
 * The bounds this node has asked for and not been given yet. A request waits while no leader is known; once the core
 * has it, the core ends it, one way or another (R5). Nothing may be left behind by a caller that gave up (R9).
 */
import type { ReadResult } from '../core/index.js';
import { type LeaderHint, LeadershipLost, NotLeader, Overloaded, Stopped, unreachable } from '../errors/index.js';

/** A bound as the core gives it. */
export interface Bound {
  readonly index: number;
  readonly term: number;
}

/** With the moment from which on it may be out of date. */
export interface DatedBound extends Bound {
  /** By this node's clock: the bound contains every write acknowledged before. It may have arrived much later. */
  readonly askedAtMs: number;
}

interface Request {
  readonly read: number;
  /** When the core was asked; NaN before. */
  askedAtMs: number;
  readonly settle: (outcome: { readonly bound: DatedBound } | { readonly error: unknown }) => void;
}

export class BoundRequests {
  readonly #limit: number;
  readonly #leader: () => LeaderHint | null;
  /** Told to the core. */
  readonly #asked = new Map<number, Request>();
  /** Waiting for a leader to be known. */
  #waiting = new Map<number, Request>();
  #lastRead = 0;

  constructor(options: { readonly limit: number; readonly leader: () => LeaderHint | null }) {
    this.#limit = options.limit;
    this.#leader = options.leader;
  }

  get size(): number {
    return this.#asked.size + this.#waiting.size;
  }

  /**
   * Queues a request; `flush` takes it to the core. `onCancel` is called when the caller leaves one that the core
   * has.
   */
  ask(signal: AbortSignal, onCancel: (read: number) => void): Promise<DatedBound> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.size >= this.#limit) throw new Overloaded({ queue: 'waiting reads', limit: this.#limit });
      const read = ++this.#lastRead;
      const onAbort = () => {
        this.#waiting.delete(read);
        if (this.#asked.delete(read)) onCancel(read);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.set(read, {
        read,
        askedAtMs: Number.NaN,
        settle: (outcome) => {
          signal.removeEventListener('abort', onAbort);
          if ('bound' in outcome) resolve(outcome.bound);
          else reject(outcome.error);
        },
      });
    });
  }

  /** A leader is known: `start` takes every request that waits to the core, at `nowMs`. */
  flush(start: (read: number) => void, nowMs: number): void {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    for (const [read, request] of waiting) {
      this.#asked.set(read, request);
      request.askedAtMs = nowMs;
      start(read);
    }
  }

  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** The core has ended a read. */
  ended(result: ReadResult): void {
    const request = this.#asked.get(result.read);
    if (request === undefined) return;
    this.#asked.delete(result.read);
    if (result.ok) {
      const { askedAtMs } = request;
      request.settle({ bound: { index: result.index, term: result.term, askedAtMs } });
      return;
    }
    const leader = this.#leader();
    switch (result.reason) {
      case 'no-leader':
        this.#waiting.set(request.read, request);
        return;
      case 'not-leader':
        request.settle({ error: new NotLeader({ leader }) });
        return;
      case 'leadership-lost':
        request.settle({ error: new LeadershipLost({ leader }) });
        return;
      case 'overloaded':
        request.settle({ error: new Overloaded({ queue: 'waiting reads', limit: this.#limit }, { leader }) });
        return;
      default:
        unreachable(result.reason);
    }
  }

  stop(cause: unknown): void {
    const all = [...this.#asked.values(), ...this.#waiting.values()];
    this.#asked.clear();
    this.#waiting.clear();
    for (const request of all) request.settle({ error: new Stopped({ cause }) });
  }
}
