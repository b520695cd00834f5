/**
 * The place of one watch in the history of changes. What it takes it takes in short steps, each entry once and whole;
 * when the history has gone on without it, it must say so and never leave anything out.
 */
import type { ChangeHistory, TakenEntry, WatchRequest } from './change-history.js';

/** One step looks at so many changes, or takes so many bytes. */
const STEP_CHANGES = 5_000;
const STEP_BYTES = 64 * 1024;

export class ChangeCursor {
  readonly prefix: string;
  readonly #history: ChangeHistory;
  readonly #generation: number;
  readonly #from: number;
  #sequence: number;
  #upTo: number;
  #woken: (() => void) | null = null;

  constructor(history: ChangeHistory, request: WatchRequest, at: { sequence: number; generation: number }) {
    this.#history = history;
    this.prefix = request.prefix;
    this.#from = request.from;
    this.#sequence = at.sequence;
    this.#generation = at.generation;
    this.#upTo = request.from - 1;
  }

  /** All changes up to here were taken, or are of other keys. */
  get upTo(): number {
    return this.#upTo;
  }

  /** True when `take` would find something, or has to look further. */
  get behind(): boolean {
    return this.#history.entry(this.#sequence) !== null;
  }

  /**
   * The next changes, as many as one short step may take; none when there are none yet, or when it has to look further
   * (`behind`). Throws WatchExpired when the history has gone on without this watch.
   */
  take(): readonly TakenEntry[] {
    this.#history.check(this.#upTo, this.#generation);
    const taken: TakenEntry[] = [];
    let bytes = 0;
    for (let looked = 0; looked < STEP_CHANGES && bytes < STEP_BYTES; ) {
      const entry = this.#history.entry(this.#sequence);
      if (entry === null) {
        this.#upTo = Math.max(this.#upTo, this.#history.appliedIndex);
        break;
      }
      this.#sequence += 1;
      looked += entry.changes.length;
      if (entry.index < this.#from) continue;
      this.#upTo = entry.index;
      const changes = entry.changes.filter(({ key }) => key.startsWith(this.prefix));
      if (changes.length === 0) continue;
      const { kind, index, term } = entry;
      // The very entry where it is wanted whole, so that all who take it can share what they make of it.
      taken.push(changes.length === entry.changes.length ? entry : { kind, index, term, changes, isPart: true });
      bytes += entry.bytes;
    }
    return taken;
  }

  /** Resolves when there is something to take, or after `timeoutMs`. Rejects with the reason of `signal`. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted || this.behind) {
        if (signal.aborted) reject(signal.reason);
        else resolve();
        return;
      }
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#history.leave(this);
        this.#woken = null;
      };
      const onAbort = () => {
        settle();
        reject(signal.reason);
      };
      this.#woken = () => {
        settle();
        resolve();
      };
      const timer = setTimeout(this.#woken, timeoutMs);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#history.wait(this);
    });
  }

  /** For the history: there is something to take. */
  wake(): void {
    this.#woken?.();
  }

  /** For the history: nothing up to here is for this watch, which has taken everything before. */
  skip(sequence: number, upTo: number): void {
    this.#sequence = sequence;
    this.#upTo = Math.max(this.#upTo, upTo);
  }
}
