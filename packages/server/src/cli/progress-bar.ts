/**
 * How a long command shows that it goes on: a bar on a terminal, a plain line now and then in a pipe. It decides
 * nothing.
 */

const BAR_WIDTH = 30;

export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class ProgressBar {
  readonly #output: ProgressOutput;
  readonly #now: () => number;
  #shownAt: number;

  constructor(output: ProgressOutput, now: () => number) {
    this.#output = output;
    this.#now = now;
    this.#shownAt = now();
  }

  /**
   * Shows at most ten states a second on a terminal, one every two seconds in a pipe. `share`, 0 to 1, is null when
   * nobody knows how much there is.
   */
  update(share: number | null, text: () => string): void {
    const now = this.#now();
    if (now - this.#shownAt < (this.#output.isTTY ? 100 : 2_000)) return;
    this.#shownAt = now;
    const line = share === null ? text() : this.#withShare(Math.min(1, share), text());
    this.#output.write(this.#output.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  }

  /** Takes the bar away, so that other lines can be printed. */
  clear(): void {
    if (this.#output.isTTY) this.#output.write('\r\x1b[K');
  }

  #withShare(share: number, text: string): string {
    const percent = `${Math.floor(share * 100)}`.padStart(3);
    if (!this.#output.isTTY) return `${percent.trim()} %: ${text}`;
    const filled = Math.round(share * BAR_WIDTH);
    return `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}] ${percent} %  ${text}`;
  }
}
