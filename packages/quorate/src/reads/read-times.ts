/**
 * The moments of one read that somebody wants to know about, and what they come to at its end. It must never be made
 * for a read that nobody observes.
 */
import { ConsistentRead, QuorateError } from '../errors/index.js';
import type { AvailableLevel } from './levels.js';
import type { EndedRead } from './read-observer.js';

export class ReadTimes {
  level: AvailableLevel | null = null;
  /** When the request was sent whose answer is the bound; NaN while there is none. */
  askedAtMs = Number.NaN;
  boundAtMs = Number.NaN;
  startedAtMs = Number.NaN;
  readonly #beganAtMs: number;

  constructor(beganAtMs: number) {
    this.#beganAtMs = beganAtMs;
  }

  /** `failure`: what the caller of the read gets; null when it was served. */
  ended(failure: { readonly error: unknown } | null, nowMs: number): EndedRead {
    const { level, askedAtMs, boundAtMs, startedAtMs } = this;
    const started = !Number.isNaN(startedAtMs);
    const asked = !Number.isNaN(askedAtMs);
    const failed = failure !== null && !started;
    return {
      level,
      outcome: failure === null ? 'served' : started ? 'function-failed' : 'failed',
      code: failed ? codeOf(failure.error instanceof ConsistentRead ? failure.error.cause : failure.error) : null,
      durationMs: nowMs - this.#beganAtMs,
      boundMs: asked ? boundAtMs - this.#beganAtMs : null,
      confirmMs: asked ? boundAtMs - askedAtMs : null,
      applyMs: started ? startedAtMs - boundAtMs : null,
    };
  }
}

/** The code of a typed error. What else there is has names without number, and figures need few. */
export function codeOf(error: unknown): string {
  return error instanceof QuorateError ? error.code : 'unknown';
}
