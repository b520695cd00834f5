/** How an import shows that it goes on: how many keys, how fast, how many errors. It decides nothing. */
import { ProgressBar, type ProgressOutput } from '../progress-bar.js';
import type { ImportProgress } from './importer.js';

export class ProgressDisplay {
  readonly #bar: ProgressBar;
  /** Size of the input in bytes; null when it is not known. */
  readonly #total: number | null;
  readonly #now: () => number;
  readonly #startedAt: number;

  constructor(output: ProgressOutput, total: number | null, now: () => number) {
    this.#bar = new ProgressBar(output, now);
    this.#total = total === 0 ? null : total;
    this.#now = now;
    this.#startedAt = now();
  }

  update({ imported, errors, bytes }: ImportProgress): void {
    const share = this.#total === null ? null : bytes / this.#total;
    this.#bar.update(
      share,
      () => `${imported} keys, ${rate(imported, this.#now() - this.#startedAt)}/s, ${errors} errors`,
    );
  }

  /** Takes the bar away, so that other lines can be printed. */
  clear(): void {
    this.#bar.clear();
  }
}

/** Keys per second, as a whole number. */
export function rate(count: number, durationMs: number): number {
  return durationMs <= 0 ? 0 : Math.round((count * 1_000) / durationMs);
}
