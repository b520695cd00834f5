/**
 * Sheds HTTP while the event loop is late, so that Raft messages, which share it, do not suffer. One long stall (a
 * paused process) must not close it: it looks at the median delay of the last second.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Overloaded } from 'quorate/errors';

const WINDOW_MS = 1_000;
/** Fewer samples than this say nothing: the process was paused, or has just started. */
const LEAST_SAMPLES = 5;

/** Delays of the loop since the last reset. `monitorEventLoopDelay` is one. */
export interface DelayHistogram {
  readonly count: number;
  /** In nanoseconds. */
  percentile(percentile: number): number;
  reset(): void;
}

export class LoadGate {
  readonly #limitMs: number;
  readonly #histogram: DelayHistogram;
  readonly #now: () => number;
  #windowStart: number;
  #closed = false;

  /** `limitMs`: the median delay above which requests are refused. */
  constructor(limitMs: number, histogram: DelayHistogram, now: () => number = () => performance.now()) {
    this.#limitMs = limitMs;
    this.#histogram = histogram;
    this.#now = now;
    this.#windowStart = now();
  }

  /** Throws Overloaded while the loop is late. */
  pass(): void {
    const now = this.#now();
    if (now - this.#windowStart >= WINDOW_MS) {
      const { count } = this.#histogram;
      this.#closed = count >= LEAST_SAMPLES && this.#histogram.percentile(50) > this.#limitMs * 1e6;
      this.#histogram.reset();
      this.#windowStart = now;
    }
    if (!this.#closed) return;
    const fields = { queue: 'milliseconds of event-loop delay', limit: this.#limitMs };
    throw new Overloaded(fields, { outcome: 'not-applied' });
  }
}

/** The histogram of this process, with its end. */
export function processDelays(): { readonly histogram: DelayHistogram; stop(): void } {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  return { histogram, stop: () => histogram.disable() };
}
