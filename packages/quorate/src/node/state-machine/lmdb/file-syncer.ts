/**
 * Syncs the file of a state every few seconds and on demand, through a descriptor of its own, off the loop. A failure
 * is final: what the system could not write it forgets, so it must never be tried again, nor the state be used.
 */
import type { Clock, Timer } from '../../clock.js';
import type { DiskFile } from '../../storage/disk.js';

export class FileSyncer {
  readonly #file: DiskFile;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #onFailure: (cause: unknown) => void;
  #timer: Timer | null = null;
  #running: Promise<void> = Promise.resolve();
  #dirty = true;
  #failed: { readonly cause: unknown } | null = null;
  #stopped = false;

  constructor(options: {
    readonly file: DiskFile;
    readonly clock: Clock;
    readonly intervalMs: number;
    /** Called once. */
    readonly onFailure: (cause: unknown) => void;
  }) {
    this.#file = options.file;
    this.#clock = options.clock;
    this.#intervalMs = options.intervalMs;
    this.#onFailure = options.onFailure;
    this.#schedule();
  }

  /** The file has changed: the next sync has something to do. */
  written(): void {
    this.#dirty = true;
  }

  /** Resolves when everything written before the call is durable. Rejects with the error of the system. */
  sync(): Promise<void> {
    this.#running = this.#running.then(() => this.#syncNow());
    return this.#running;
  }

  /** Waits for a sync under way; the file is left to its owner. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running.catch(ignoreReported);
  }

  async #syncNow(): Promise<void> {
    if (this.#failed !== null) throw this.#failed.cause;
    if (!this.#dirty) return;
    this.#dirty = false;
    try {
      await this.#file.sync();
    } catch (cause) {
      this.#failed = { cause };
      this.#onFailure(cause);
      throw cause;
    }
  }

  #schedule(): void {
    this.#timer = this.#clock.setTimer(this.#intervalMs, () => {
      this.sync().then(
        () => {
          if (!this.#stopped) this.#schedule();
        },
        // Reported by onFailure; there is nothing left to sync.
        ignoreReported,
      );
    });
  }
}

function ignoreReported(): void {}
