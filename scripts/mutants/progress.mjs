/**
 * How far the run is: a bar on a terminal, otherwise a line for each mutant that has ended. It must never write where
 * the result goes, when that is for programs.
 */

export class Progress {
  #done = 0;
  #total;
  #stream;

  constructor(total, stream) {
    this.#total = total;
    this.#stream = stream;
    this.#draw('the copy without a mutant');
  }

  settled({ name, verdict }) {
    this.#done += 1;
    const after = verdict.kind === 'caught' && verdict.seeds > 0 ? `, seed ${verdict.seeds}` : '';
    this.#draw(`${name}: ${verdict.kind}${after}`);
  }

  end() {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[2K');
  }

  #draw(what) {
    const counted = `${this.#done}/${this.#total} ${what}`;
    if (!this.#stream.isTTY) {
      this.#stream.write(`${counted}\n`);
      return;
    }
    const filled = Math.round((20 * this.#done) / this.#total);
    const bar = `[${'#'.repeat(filled)}${'-'.repeat(20 - filled)}] ${counted}`;
    this.#stream.write(`\r\x1b[2K${bar.slice(0, (this.#stream.columns ?? 80) - 1)}`);
  }
}
