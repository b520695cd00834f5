/** How far the run is: which mutant has ended last, and how. A mutant takes long enough for a line of its own. */
import { ProgressBar } from '../progress-bar.mjs';

export class Progress {
  #bar;
  #done = 0;
  #total;

  constructor(total, stream) {
    this.#bar = new ProgressBar(stream, { terminalMs: 0, plainMs: 0 });
    this.#total = total;
    this.#draw('the copy without a mutant');
  }

  settled({ name, verdict }) {
    this.#done += 1;
    const after = verdict.kind === 'caught' && verdict.seeds > 0 ? `, seed ${verdict.seeds}` : '';
    this.#draw(`${name}: ${verdict.kind}${after}`);
  }

  end() {
    this.#bar.end();
  }

  #draw(what) {
    this.#bar.draw(this.#done / this.#total, `${this.#done}/${this.#total} ${what}`);
  }
}
