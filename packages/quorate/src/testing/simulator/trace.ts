/**
 * What happened in a run, line by line: a running hash of all of it, to prove that one seed gives one run, and the last
 * lines as text, to read when a run failed. It must never hold anything that depends on the real machine.
 */
import type { Message } from '../../core/index.js';
import { describeMessage } from './message-text.js';

const TAIL_LINES = 400;

interface Line {
  readonly nowMs: number;
  readonly text: () => string;
}

export class Trace {
  readonly #tail: Line[] = [];
  readonly #keep: boolean;
  #high = 0xdead_beef;
  #low = 0x41c6_ce57;

  /** `keep`: hold every line, not only the last ones; for looking into one seed. */
  constructor(options: { keep: boolean }) {
    this.#keep = options.keep;
  }

  /** A line of text. */
  record(nowMs: number, text: string): void {
    this.#mixNumber(nowMs);
    this.#mixText(text);
    this.#add({ nowMs, text: () => text });
  }

  /** A message that was sent, or that has arrived. Its text is made only for a reader, for there are very many. */
  recordMessage(nowMs: number, happened: 'sent' | 'arrived', message: Message): void {
    this.#mixNumber(nowMs);
    this.#mixText(happened);
    for (const value of Object.values(message)) {
      if (typeof value === 'number') this.#mixNumber(value);
      else this.#mixText(Array.isArray(value) ? `${value.length}` : String(value));
    }
    const { from, to } = message;
    const who = happened === 'sent' ? `${from} sends ${to}` : `${to} gets from ${from}`;
    this.#add({ nowMs, text: () => `${who}: ${describeMessage(message)}` });
  }

  /** The hash of all lines so far (cyrb53 by bryc, kept running). */
  get hash(): string {
    const hex = (value: number) => (value >>> 0).toString(16).padStart(8, '0');
    return hex(this.#high) + hex(this.#low);
  }

  /** All lines when they are kept, otherwise the last ones. */
  get lines(): readonly string[] {
    const lines = this.#keep ? this.#tail : this.#tail.slice(-TAIL_LINES);
    return lines.map(({ nowMs, text }) => `${nowMs.toFixed(3)} ${text()}`);
  }

  #add(line: Line): void {
    this.#tail.push(line);
    if (!this.#keep && this.#tail.length > 2 * TAIL_LINES) this.#tail.splice(0, TAIL_LINES);
  }

  #mixText(text: string): void {
    for (let position = 0; position < text.length; position += 1) this.#mix(text.charCodeAt(position));
  }

  #mixNumber(value: number): void {
    numberView.setFloat64(0, value);
    this.#mix(numberView.getInt32(0));
    this.#mix(numberView.getInt32(4));
  }

  #mix(unit: number): void {
    this.#high = Math.imul(this.#high ^ unit, 0x9e37_79b1);
    this.#low = Math.imul(this.#low ^ unit, 0x5f35_6495);
    this.#high ^= this.#low >>> 13;
    this.#low ^= this.#high >>> 16;
  }
}

const numberView = new DataView(new ArrayBuffer(8));
