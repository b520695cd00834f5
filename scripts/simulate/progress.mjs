/** How far a run of many seeds is: how much of it is done, and what it has seen so far. */
import { ProgressBar } from '../progress-bar.mjs';

export class Progress {
  #bar;
  #usage;
  #startedAt = performance.now();

  /** `usage` says where the run ends: `{ first, last, deadlineMs }`. */
  constructor(usage, stream) {
    this.#usage = usage;
    this.#bar = new ProgressBar(stream, { terminalMs: 100, plainMs: 10_000 });
  }

  /** A seed has been run. */
  ran({ totals, violations }) {
    const { seeds, simulatedHours, speedup } = totals;
    const share = this.#share(seeds);
    const hours = `${simulatedHours.toFixed(2)} simulated hours, ${speedup.toFixed(0)} times real time`;
    this.#bar.draw(share, `${Math.floor(100 * share)} %, ${seeds} seeds, ${hours}, ${violations.length} violations`);
  }

  end() {
    this.#bar.end();
  }

  #share(seeds) {
    const { first, last, deadlineMs } = this.#usage;
    const ofSeeds = seeds / (last - first + 1);
    const ofTime = deadlineMs === null ? 0 : (performance.now() - this.#startedAt) / deadlineMs;
    return Math.min(1, Math.max(ofSeeds, ofTime));
  }
}
