/**
 * How many bytes a second long work may take, so that it leaves disk and network to reads and writes. It must never
 * hold up the first piece after a rest.
 */
import type { Clock } from '../clock.js';

export class RateLimit {
  readonly bytesPerSecond: number;
  readonly #clock: Clock;
  #freeAtMs = 0;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.bytesPerSecond = bytesPerSecond;
  }

  /** Resolves when `bytes` more may go. Rejects with the reason of `signal`. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const startMs = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = startMs + (1000 * bytes) / this.bytesPerSecond;
    if (startMs > nowMs) await this.#wait(startMs - nowMs, signal);
    signal.throwIfAborted();
  }

  #wait(delayMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        timer.cancel();
        reject(signal.reason);
      };
      const timer = this.#clock.setTimer(delayMs, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
