/**
 * Lets a long piece of work give the loop back every few milliseconds (architecture, decision 3). It must never be used
 * where the work has to be one step.
 */
import { Canceled } from '../../../errors/index.js';
import type { Clock } from '../../clock.js';

/** With what else happens in the same turn, a step stays below 5 ms. */
const SLICE_MS = 3;

export class Turns {
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  #end: number;

  constructor(clock: Clock, signal?: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#end = clock.monotonicMs() + SLICE_MS;
  }

  get isOver(): boolean {
    return this.#clock.monotonicMs() >= this.#end;
  }

  /** Resolves in a later turn of the loop. Throws Canceled when the signal has fired. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#clock.defer(resolve);
    });
    if (this.#signal?.aborted) throw new Canceled({ cause: this.#signal.reason });
    this.#end = this.#clock.monotonicMs() + SLICE_MS;
  }
}
