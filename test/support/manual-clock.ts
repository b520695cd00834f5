/** A clock that moves only when a test says so; deferred callbacks run when it says so, too. */
import type { Clock, Timer } from '../../packages/quorate/src/node/clock.js';

export class ManualClock implements Clock {
  #nowMs = 0;
  #timers: { at: number; callback: () => void }[] = [];
  #deferred: (() => void)[] = [];

  /** Timers that wait. */
  get timers(): number {
    return this.#timers.length;
  }

  get deferred(): number {
    return this.#deferred.length;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_000_000 + this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { at: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((each) => each !== timer);
      },
    };
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** Time passes while nothing runs, as when the loop is blocked. */
  block(ms: number): void {
    this.#nowMs += ms;
  }

  /** Runs what is due, timers in their order. */
  advance(ms: number): void {
    const end = this.#nowMs + ms;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#nowMs = Math.max(this.#nowMs, next.at);
      next.callback();
    }
    this.#nowMs = end;
  }

  /** One turn of the loop: runs what was deferred before it. */
  turn(): void {
    const due = this.#deferred;
    this.#deferred = [];
    for (const callback of due) callback();
  }
}
