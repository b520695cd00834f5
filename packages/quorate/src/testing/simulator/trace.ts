/**
 * What happened in a run, as text: a running hash of every line, to prove that one seed gives one run, and the last
 * lines, to read when a run failed. It must never hold anything that depends on the real machine.
 */

const TAIL_LINES = 400;

export class Trace {
  readonly #tail: string[] = [];
  readonly #keep: boolean;
  #high = 0xdead_beef;
  #low = 0x41c6_ce57;
  #lines = 0;

  /** `keep`: hold every line, not only the last ones; for looking into one seed. */
  constructor(options: { keep: boolean }) {
    this.#keep = options.keep;
  }

  /** `line` makes the text. */
  record(nowMs: number, line: () => string): void {
    const text = `${nowMs.toFixed(3)} ${line()}`;
    this.#mix(text);
    this.#lines += 1;
    this.#tail.push(text);
    if (!this.#keep && this.#tail.length > 2 * TAIL_LINES) this.#tail.splice(0, TAIL_LINES);
  }

  /** Number of lines recorded. */
  get length(): number {
    return this.#lines;
  }

  /** The hash of all lines so far (cyrb53 by bryc, kept running). */
  get hash(): string {
    const hex = (value: number) => (value >>> 0).toString(16).padStart(8, '0');
    return hex(this.#high) + hex(this.#low);
  }

  /** All lines when they are kept, otherwise the last ones. */
  get lines(): readonly string[] {
    return this.#keep ? this.#tail : this.#tail.slice(-TAIL_LINES);
  }

  #mix(text: string): void {
    let high = this.#high;
    let low = this.#low;
    for (let position = 0; position < text.length; position += 1) {
      const unit = text.charCodeAt(position);
      high = Math.imul(high ^ unit, 0x9e37_79b1);
      low = Math.imul(low ^ unit, 0x5f35_6495);
      high ^= low >>> 13;
      low ^= high >>> 16;
    }
    this.#high = high;
    this.#low = low;
  }
}
