/**
 * The appends that one follower has been sent and has not acknowledged, limited by number and by bytes. It must never
 * forget an append before it is acknowledged: the limit is what keeps a slow follower from filling memory.
 */
export class Inflights {
  readonly #maxAppends: number;
  readonly #maxBytes: number;
  #appends: { readonly lastIndex: number; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(limits: { readonly maxAppends: number; readonly maxBytes: number }) {
    this.#maxAppends = limits.maxAppends;
    this.#maxBytes = limits.maxBytes;
  }

  get full(): boolean {
    return this.#appends.length >= this.#maxAppends || this.#bytes >= this.#maxBytes;
  }

  get count(): number {
    return this.#appends.length;
  }

  add(lastIndex: number, bytes: number): void {
    this.#appends.push({ lastIndex, bytes });
    this.#bytes += bytes;
  }

  /** Everything up to `index` is acknowledged. */
  acknowledge(index: number): void {
    let done = 0;
    for (const append of this.#appends) {
      if (append.lastIndex > index) break;
      this.#bytes -= append.bytes;
      done++;
    }
    if (done > 0) this.#appends.splice(0, done);
  }

  reset(): void {
    this.#appends = [];
    this.#bytes = 0;
  }
}
