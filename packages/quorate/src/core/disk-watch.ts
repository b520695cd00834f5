/**
 * Notices that the disk has stalled: steps are under way to it and none has become durable for an election timeout. A
 * node whose disk stalls can lead nobody (architecture, decision 5); it must never be taken for stalled while it
 * makes progress.
 */
import type { Log } from './log.js';

export class DiskWatch {
  #durableStep = 0;
  #ticks = 0;

  /** A tick has passed. */
  tick(log: Log): void {
    const waits = log.isPersisting && log.durableStep === this.#durableStep;
    this.#ticks = waits ? this.#ticks + 1 : 0;
    this.#durableStep = log.durableStep;
  }

  /** For so many ticks no step has become durable, although some are under way. */
  get ticks(): number {
    return this.#ticks;
  }
}
