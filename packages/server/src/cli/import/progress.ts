/**
 * How an import shows that it goes on: a bar on a terminal, a plain line now and then in a pipe. It decides nothing.
 */
import type { ImportProgress } from './importer.js';

const BAR_WIDTH = 30;

export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class ProgressDisplay {
  readonly #output: ProgressOutput;
  /** Size of the input in bytes; null when it is not known. */
  readonly #total: number | null;
  readonly #now: () => number;
  readonly #startedAt: number;
  #shownAt: number;

  constructor(output: ProgressOutput, total: number | null, now: () => number) {
    this.#output = output;
    this.#total = total;
    this.#now = now;
    this.#startedAt = now();
    this.#shownAt = this.#startedAt;
  }

  /** Shows at most ten states a second on a terminal, one every two seconds in a pipe. */
  update(progress: ImportProgress): void {
    const now = this.#now();
    if (now - this.#shownAt < (this.#output.isTTY ? 100 : 2_000)) return;
    this.#shownAt = now;
    const text = this.#text(progress, now);
    this.#output.write(this.#output.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
  }

  /** Takes the bar away, so that other lines can be printed. */
  clear(): void {
    if (this.#output.isTTY) this.#output.write('\r\x1b[K');
  }

  #text({ imported, errors, bytes }: ImportProgress, now: number): string {
    const counts = `${imported} keys, ${rate(imported, now - this.#startedAt)}/s, ${errors} errors`;
    if (this.#total === null || this.#total === 0) return counts;
    const share = Math.min(1, bytes / this.#total);
    const percent = `${Math.floor(share * 100)}`.padStart(3);
    if (!this.#output.isTTY) return `${percent.trim()} %: ${counts}`;
    const filled = Math.round(share * BAR_WIDTH);
    return `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}] ${percent} %  ${counts}`;
  }
}

/** Keys per second, as a whole number. */
export function rate(count: number, durationMs: number): number {
  return durationMs <= 0 ? 0 : Math.round((count * 1_000) / durationMs);
}
