/**
 * Time for the core: one tick after another, and a watch over the loop. After a stall, whatever the sockets hold is
 * read before time counts, and only one tick fires (architecture, decision 3): a node that slept must not depose a
 * leader that is well.
 */
import type { Clock, Timer } from './clock.js';

export class Ticker {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #onTick: (delayMs: number) => void;
  readonly #onStall: (blockedMs: number) => void;
  readonly #stallMs: number;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: {
    readonly clock: Clock;
    readonly tickMs: number;
    /** A delay above this is reported. */
    readonly stallMs: number;
    /** `delayMs`: how much later than due. */
    readonly onTick: (delayMs: number) => void;
    readonly onStall: (blockedMs: number) => void;
  }) {
    this.#clock = options.clock;
    this.#tickMs = options.tickMs;
    this.#stallMs = options.stallMs;
    this.#onTick = options.onTick;
    this.#onStall = options.onStall;
  }

  start(): void {
    if (this.#stopped) return;
    const due = this.#clock.monotonicMs() + this.#tickMs;
    this.#timer = this.#clock.setTimer(this.#tickMs, () => {
      // Deferred: the sockets are read first. Whatever they make the loop do counts as a stall, too.
      this.#clock.defer(() => {
        if (this.#stopped) return;
        const blockedMs = this.#clock.monotonicMs() - due;
        if (blockedMs >= this.#stallMs) this.#onStall(blockedMs);
        // Timers may fire a fraction early.
        this.#onTick(Math.max(0, blockedMs));
        this.start();
      });
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }
}
