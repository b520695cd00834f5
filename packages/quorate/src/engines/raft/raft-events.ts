/**
 * What the callers of a node met, on channels: how each of its reads, requests for a bound and writes ended. It only
 * tells; it must never change what a caller gets.
 */
import { type Outcome, QuorateError } from '../../errors/index.js';
import { type Clock, EventChannel, type NodeEvent } from '../../node/index.js';
import type { EndedBoundRequest, EndedRead, ReadObserver } from '../../reads/index.js';

/** On `quorate.read`: a read of this node has ended. */
export interface ReadEvent extends NodeEvent, EndedRead {}

/** On `quorate.bound`: a request for a bound, which reads of this node shared, has ended. */
export interface BoundEvent extends NodeEvent, EndedBoundRequest {}

/** On `quorate.write`: a write of this node has ended. */
export interface WriteEvent extends NodeEvent {
  readonly outcome: 'applied' | Outcome;
  /** The code of the error, `unknown` for one that is no QuorateError; null when it was applied. */
  readonly code: string | null;
  /** From the call to its end, in milliseconds. */
  readonly durationMs: number;
}

export class RaftEvents implements ReadObserver {
  readonly #clock: Clock;
  readonly #reads: EventChannel<ReadEvent>;
  readonly #bounds: EventChannel<BoundEvent>;
  readonly #writes: EventChannel<WriteEvent>;

  /** `node`: its name. */
  constructor(node: string, clock: Clock) {
    this.#clock = clock;
    this.#reads = new EventChannel('quorate.read', node);
    this.#bounds = new EventChannel('quorate.bound', node);
    this.#writes = new EventChannel('quorate.write', node);
  }

  get wantsReads(): boolean {
    return this.#reads.wanted;
  }

  get wantsBoundRequests(): boolean {
    return this.#bounds.wanted;
  }

  readEnded(read: EndedRead): void {
    this.#reads.publish(read);
  }

  boundRequestEnded(request: EndedBoundRequest): void {
    this.#bounds.publish(request);
  }

  /** Tells how the write ends, if anybody wants to know; what it returns settles as `written` does. */
  write<T>(written: Promise<T>): Promise<T> {
    return this.#writes.wanted ? this.#observe(written) : written;
  }

  async #observe<T>(written: Promise<T>): Promise<T> {
    const beganAtMs = this.#clock.monotonicMs();
    const ended = (outcome: WriteEvent['outcome'], code: string | null) =>
      this.#writes.publish({ outcome, code, durationMs: this.#clock.monotonicMs() - beganAtMs });
    try {
      const result = await written;
      ended('applied', null);
      return result;
    } catch (error) {
      const known = error instanceof QuorateError ? error : null;
      ended(known?.outcome ?? 'unknown', known?.code ?? 'unknown');
      throw error;
    }
  }
}
