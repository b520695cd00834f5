/**
 * The smallest state machine that can show a stale read: a map of keys to the index that wrote them. It owns its
 * applied index, which changes with the data in one step (R6), and applies in order what it is given; it must never
 * skip or repeat an index.
 */
import type { Entry } from '../../core/index.js';
import { invariant } from '../../errors/index.js';

/** The key a command writes: its first byte. */
export function keyOf(entry: Entry): number | null {
  return entry.kind === 'command' ? (entry.data[0] ?? null) : null;
}

export class SimulatedStateMachine {
  readonly #values = new Map<number, number>();
  readonly #waiters: { readonly index: number; readonly run: () => void }[] = [];
  #queue: Entry[] = [];
  #appliedIndex = 0;
  #appliedTerm = 0;

  /** The last index whose effect a reader sees. */
  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get appliedTerm(): number {
    return this.#appliedTerm;
  }

  /** Entries handed over and not applied yet. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** The index of the last write to the key that readers see, 0 when there is none. */
  get(key: number): number {
    return this.#values.get(key) ?? 0;
  }

  enqueue(entries: readonly Entry[]): void {
    this.#queue.push(...entries);
  }

  /** Applies up to `count` entries and returns them. */
  apply(count: number): readonly Entry[] {
    const entries = this.#queue.splice(0, count);
    for (const entry of entries) {
      invariant(entry.index === this.#appliedIndex + 1, 'entries are applied in order, each once', {
        index: entry.index,
        appliedIndex: this.#appliedIndex,
      });
      const key = keyOf(entry);
      if (key !== null) this.#values.set(key, entry.index);
      this.#appliedIndex = entry.index;
      this.#appliedTerm = entry.term;
    }
    return entries;
  }

  /** Runs `run` in the moment readers see `index`; at once when they do already. */
  whenApplied(index: number, run: () => void): void {
    if (index <= this.#appliedIndex) run();
    else this.#waiters.push({ index, run });
  }

  /** Runs what waited for the indexes applied since the last call. */
  wake(): void {
    for (let position = this.#waiters.length - 1; position >= 0; position -= 1) {
      const waiter = this.#waiters[position];
      if (waiter === undefined || waiter.index > this.#appliedIndex) continue;
      this.#waiters.splice(position, 1);
      waiter.run();
    }
  }

  /** The process is gone: what was handed over and who waited with it, and the data too unless they are `durable`. */
  crash(durable: boolean): void {
    this.#queue = [];
    this.#waiters.length = 0;
    if (durable) return;
    this.#values.clear();
    this.#appliedIndex = 0;
    this.#appliedTerm = 0;
  }
}
