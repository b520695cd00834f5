/**
 * A follower's half of the read path: the requests to the leader that are not answered yet. Every sending carries a
 * fresh number (R4); an answer to any number of a request counts. It must never accept an answer made for another
 * process of this node.
 */

interface Pending {
  readonly read: number;
  /** Every number under which this read was sent. */
  readonly sequences: number[];
  ticksSinceSent: number;
}

export class ReadRequests {
  readonly #resendTicks: number;
  readonly #byRead = new Map<number, Pending>();
  readonly #bySequence = new Map<number, Pending>();
  #lastSequence = 0;

  constructor(resendTicks: number) {
    this.#resendTicks = resendTicks;
  }

  get size(): number {
    return this.#byRead.size;
  }

  /** Registers a read and returns the number to send it under. */
  add(read: number): number {
    const pending: Pending = { read, sequences: [], ticksSinceSent: 0 };
    this.#byRead.set(read, pending);
    return this.#renumber(pending);
  }

  #renumber(pending: Pending): number {
    const sequence = ++this.#lastSequence;
    pending.sequences.push(sequence);
    pending.ticksSinceSent = 0;
    this.#bySequence.set(sequence, pending);
    return sequence;
  }

  /** A tick has passed: the fresh numbers of the reads that have to be sent again. */
  tick(): readonly number[] {
    const due: number[] = [];
    for (const pending of this.#byRead.values()) {
      pending.ticksSinceSent++;
      if (pending.ticksSinceSent >= this.#resendTicks) due.push(this.#renumber(pending));
    }
    return due;
  }

  /** Requests under way may be lost: all are sent again at the next tick. */
  suspectLoss(): void {
    for (const pending of this.#byRead.values()) pending.ticksSinceSent = this.#resendTicks;
  }

  /** Ends the request that was sent under `sequence`; returns its read, or null if it has ended already. */
  settle(sequence: number): number | null {
    const pending = this.#bySequence.get(sequence);
    if (pending === undefined) return null;
    this.cancel(pending.read);
    return pending.read;
  }

  cancel(read: number): void {
    const pending = this.#byRead.get(read);
    if (pending === undefined) return;
    this.#byRead.delete(read);
    for (const sequence of pending.sequences) this.#bySequence.delete(sequence);
  }

  /** Every read that waits, for a follower whose leader or term has changed (R5). */
  drain(): readonly number[] {
    const reads = [...this.#byRead.keys()];
    this.#byRead.clear();
    this.#bySequence.clear();
    return reads;
  }
}
