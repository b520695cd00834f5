/**
 * How far a script is: a bar on a terminal, plain lines elsewhere, and neither more often than it was told. It must
 * never write after the end.
 */

const WIDTH = 20;

export class ProgressBar {
  #stream;
  #everyMs;
  #drawnAt = performance.now();

  /** `terminalMs` and `plainMs`: the least time between two drawings; the first comes that long after the start. */
  constructor(stream, { terminalMs, plainMs }) {
    this.#stream = stream;
    this.#everyMs = stream.isTTY ? terminalMs : plainMs;
  }

  /** `share` is done, from 0 to 1; `text` says of what. Passed over when the last drawing is not old enough. */
  draw(share, text) {
    const now = performance.now();
    if (now - this.#drawnAt < this.#everyMs) return;
    this.#drawnAt = now;
    if (!this.#stream.isTTY) {
      this.#stream.write(`${text}\n`);
      return;
    }
    const filled = Math.round(WIDTH * share);
    const bar = `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${text}`;
    this.#stream.write(`\r\x1b[2K${bar.slice(0, (this.#stream.columns ?? 80) - 1)}`);
  }

  /** Takes the bar away; lines stay. */
  end() {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[2K');
  }
}
