/**
 * The leader's half of the read path: which reads wait for which round (R1 to R4). A round is a number that the
 * leader makes, strictly increasing within its term; a read is confirmed only by acknowledgements of a round opened
 * after it arrived. It must never put a read into a round that was sent already.
 */
import type { NodeId } from './entry.js';

/** Who waits: a read of this node, or a request of a follower. */
export type Reader =
  | { readonly kind: 'local'; readonly read: number }
  | { readonly kind: 'remote'; readonly from: NodeId; readonly origin: number; readonly sequence: number };

/** A read that waits, and the bound captured at its arrival. */
export interface WaitingRead {
  readonly reader: Reader;
  readonly bound: number;
}

/** Above this number of waiting reads a further round opens although one is in flight. */
const READS_PER_ROUND = 32;
const MAX_ROUNDS_IN_FLIGHT = 4;

export class ReadRounds {
  readonly #maxWaiting: number;
  #current = 0;
  #confirmed = 0;
  /** Reads for the next round. */
  #next: WaitingRead[] = [];
  /** Rounds opened and not confirmed, oldest first. */
  #inFlight: { readonly round: number; readonly reads: readonly WaitingRead[] }[] = [];
  /** Confirmed, but no entry of the term is committed yet (R1). */
  #parked: WaitingRead[] = [];
  #size = 0;

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** The newest round: stamped on every append and heartbeat. 0 before the first. */
  get current(): number {
    return this.#current;
  }

  get full(): boolean {
    return this.#size >= this.#maxWaiting;
  }

  add(read: WaitingRead): void {
    this.#next.push(read);
    this.#size++;
  }

  /** True when the next round should be opened now. */
  get due(): boolean {
    if (this.#next.length === 0) return false;
    if (this.#inFlight.length === 0) return true;
    return this.#next.length >= READS_PER_ROUND && this.#inFlight.length < MAX_ROUNDS_IN_FLIGHT;
  }

  /**
   * Opens the next round for the reads that wait, and returns how many they are. The caller must now send it to every
   * voter.
   */
  open(): number {
    const reads = this.#next;
    this.#current++;
    this.#inFlight.push({ round: this.#current, reads });
    this.#next = [];
    return reads.length;
  }

  /** A quorum has acknowledged `round`. Returns the reads that may be answered, in the order of their arrival. */
  confirm(round: number, committedInTerm: boolean): readonly WaitingRead[] {
    this.#confirmed = Math.max(this.#confirmed, Math.min(round, this.#current));
    while (this.#inFlight[0] !== undefined && this.#inFlight[0].round <= this.#confirmed) {
      this.#parked.push(...this.#inFlight[0].reads);
      this.#inFlight.shift();
    }
    if (!committedInTerm || this.#parked.length === 0) return [];
    const answered = this.#parked;
    this.#parked = [];
    this.#size -= answered.length;
    return answered;
  }

  /** Forgets a local read. */
  cancel(read: number): void {
    const isOther = (waiting: WaitingRead) => waiting.reader.kind !== 'local' || waiting.reader.read !== read;
    this.#next = this.#next.filter(isOther);
    this.#parked = this.#parked.filter(isOther);
    this.#inFlight = this.#inFlight.map(({ round, reads }) => ({ round, reads: reads.filter(isOther) }));
    this.#size = this.#inFlight.reduce((sum, { reads }) => sum + reads.length, this.#next.length + this.#parked.length);
  }

  /** Everything that waits, for a leader that is one no longer (R5). */
  drain(): readonly WaitingRead[] {
    const all = [...this.#parked, ...this.#inFlight.flatMap(({ reads }) => reads), ...this.#next];
    this.#parked = [];
    this.#inFlight = [];
    this.#next = [];
    this.#size = 0;
    return all;
  }
}
