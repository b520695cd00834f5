/** How far the run is: a bar on a terminal, otherwise a line every ten seconds. It must never write after the end. */

const EVERY_MS = { terminal: 100, plain: 10_000 };
const WIDTH = 20;

export class Progress {
  #stream;
  #usage;
  #startedAt = performance.now();
  #drawnAt = performance.now();

  /** `usage` says where the run ends: `{ first, last, deadlineMs }`. */
  constructor(usage, stream) {
    this.#usage = usage;
    this.#stream = stream;
  }

  /** A seed has been run. */
  ran({ totals, violations }) {
    const now = performance.now();
    if (now - this.#drawnAt < (this.#stream.isTTY ? EVERY_MS.terminal : EVERY_MS.plain)) return;
    this.#drawnAt = now;
    const { seeds, simulatedHours, speedup } = totals;
    const share = this.#share(seeds, now);
    const hours = `${simulatedHours.toFixed(2)} simulated hours, ${speedup.toFixed(0)} times real time`;
    const text = `${Math.floor(100 * share)} %, ${seeds} seeds, ${hours}, ${violations.length} violations`;
    if (!this.#stream.isTTY) {
      this.#stream.write(`${text}\n`);
      return;
    }
    const filled = Math.round(WIDTH * share);
    const bar = `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${text}`;
    this.#stream.write(`\r\x1b[2K${bar.slice(0, (this.#stream.columns ?? 80) - 1)}`);
  }

  end() {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[2K');
  }

  #share(seeds, now) {
    const { first, last, deadlineMs } = this.#usage;
    const ofSeeds = seeds / (last - first + 1);
    return Math.min(1, deadlineMs === null ? ofSeeds : Math.max(ofSeeds, (now - this.#startedAt) / deadlineMs));
  }
}
