/**
 * Virtual time: what is to happen, in the order of its time, and in the order of scheduling where times are equal.
 * Nothing here waits, and nothing may ever be scheduled into the past.
 */
import { invariant } from '../../errors/index.js';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class EventQueue {
  /** A binary heap: each event is before both of its children. */
  readonly #heap: Event[] = [];
  #nowMs = 0;
  #scheduled = 0;
  #ran = 0;

  /** Virtual milliseconds since the start of the world. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many events were run. */
  get ran(): number {
    return this.#ran;
  }

  /** Runs `run` after `delayMs` of virtual time. */
  schedule(delayMs: number, run: () => void): void {
    invariant(delayMs >= 0, 'an event is not scheduled into the past', { delayMs });
    this.#heap.push({ at: this.#nowMs + delayMs, order: this.#scheduled, run });
    this.#scheduled += 1;
    this.#up(this.#heap.length - 1);
  }

  /**
   * Runs everything that is due before or at `untilMs`, one event after the other, then moves the time there. After
   * each event every promise that it settled has had its consequences. `after` is called then, and may throw.
   */
  runUntil(untilMs: number, after: () => void): Promise<void> {
    return inTurns(() => {
      after();
      const first = this.#heap[0];
      if (first === undefined || first.at > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return false;
      }
      this.#removeFirst();
      this.#nowMs = first.at;
      this.#ran += 1;
      first.run();
      return true;
    });
  }

  #removeFirst(): void {
    const last = this.#heap.pop() as Event;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #up(start: number): void {
    for (let position = start; position > 0; ) {
      const parent = (position - 1) >> 1;
      if (!this.#swapIfBefore(position, parent)) return;
      position = parent;
    }
  }

  #down(start: number): void {
    for (let position = start; ; ) {
      const left = 2 * position + 1;
      const right = left + 1;
      if (left >= this.#heap.length) return;
      const child = right < this.#heap.length && this.#isBefore(right, left) ? right : left;
      if (!this.#swapIfBefore(child, position)) return;
      position = child;
    }
  }

  #swapIfBefore(lower: number, upper: number): boolean {
    if (!this.#isBefore(lower, upper)) return false;
    [this.#heap[lower], this.#heap[upper]] = [this.#heap[upper] as Event, this.#heap[lower] as Event];
    return true;
  }

  #isBefore(left: number, right: number): boolean {
    const a = this.#heap[left] as Event;
    const b = this.#heap[right] as Event;
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }
}

/**
 * Calls `turn` until it returns false, each time when no promise has anything left to say: Node lets them all speak
 * between two immediates. Many immediates at once, for each turn of Node's own loop asks the kernel for input.
 */
function inTurns(turn: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let ended = false;
    const run = () => {
      if (ended) return;
      try {
        if (turn()) return;
        resolve();
      } catch (error) {
        reject(error);
      }
      ended = true;
    };
    const batch = () => {
      for (let turns = 0; turns < TURNS_AT_ONCE; turns += 1) setImmediate(run);
      setImmediate(() => {
        if (!ended) batch();
      });
    };
    batch();
  });
}

const TURNS_AT_ONCE = 64;
