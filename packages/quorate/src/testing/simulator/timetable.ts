/**
 * When faults go on and end: what was begun is cured at its time, or at once when the faults are over. It must never
 * let anything begin after that, nor do to one start of a node what was meant for another.
 */
import type { EventQueue } from './event-queue.js';
import type { SimulatedNode } from './simulated-node.js';

export class Timetable {
  readonly #queue: EventQueue;
  readonly #record: (line: string) => void;
  /** What ends the faults that go on. */
  readonly #cures = new Set<() => void>();
  #stopped = false;

  constructor(options: { readonly queue: EventQueue; readonly record: (line: string) => void }) {
    this.#queue = options.queue;
    this.#record = options.record;
  }

  /** The faults are over: nothing begins any more. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Ends everything now. */
  stop(): void {
    this.#stopped = true;
    for (const cure of this.#cures) cure();
    this.#cures.clear();
  }

  /** After the delay, unless the faults are over. */
  later(delayMs: number, act: () => void): void {
    this.#queue.schedule(delayMs, () => {
      if (!this.#stopped) act();
    });
  }

  /** After the delay, unless its process has ended by then. */
  inThisLife(node: SimulatedNode, delayMs: number, act: () => void): void {
    const { bootId } = node;
    this.later(delayMs, () => {
      if (node.running && node.bootId === bootId) act();
    });
  }

  /** After the delay, unless it runs already. */
  startLater(node: SimulatedNode, delayMs: number): void {
    this.later(delayMs, () => {
      if (!node.running) node.start();
    });
  }

  /** `cure` is called after the delay, or when the faults are over. */
  endLater(name: string, delayMs: number, cure: () => void): void {
    this.#cures.add(cure);
    this.#queue.schedule(delayMs, () => {
      if (!this.#cures.delete(cure)) return;
      this.#record(`${name} ends`);
      cure();
    });
  }

  /** `cure` is called when the faults are over, or by the function returned, once. */
  endAtStop(cure: () => void): () => void {
    this.#cures.add(cure);
    return () => {
      if (this.#cures.delete(cure)) cure();
    };
  }
}
