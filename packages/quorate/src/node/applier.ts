/**
 * Feeds committed entries to the state machine, in order, a few milliseconds at a time, so that the loop stays
 * responsive (architecture, decision 3). It must never report an entry as applied before readers can see it (R6).
 */
import type { Entry } from '../core/index.js';
import { entryBytes } from '../core/index.js';
import { DiskFailed, invariant } from '../errors/index.js';
import type { Clock } from './clock.js';
import type { EventChannel } from './event-channel.js';
import type { ApplyEvent } from './node-events.js';
import type { ApplyEntry, StateMachine } from './state-machine/state-machine.js';

/** A batch is small enough that one takes far less than a slice. */
const BATCH_ENTRIES = 64;
const BATCH_BYTES = 64 * 1024;
/** The longest synchronous step the design allows. */
const SLICE_MS = 5;

export interface AppliedBatch<Result> {
  readonly entries: readonly Entry[];
  /** Null for entries without a command. */
  readonly results: readonly (Result | null)[];
}

export class Applier<Result> {
  readonly #machine: StateMachine<never, Result, unknown>;
  readonly #clock: Clock;
  readonly #onApplied: (batch: AppliedBatch<Result>) => void;
  readonly #onFailure: (error: Error) => void;
  readonly #events: EventChannel<ApplyEvent> | null;
  #queue: Entry[] = [];
  #position = 0;
  #state: 'idle' | 'working' | 'stopped' = 'idle';
  readonly #failed = () => {
    this.stop();
    const reason: unknown = this.#machine.failed?.reason;
    this.#onFailure(reason instanceof Error ? reason : new Error('the state machine failed', { cause: reason }));
  };

  constructor(options: {
    readonly machine: StateMachine<never, Result, unknown>;
    readonly clock: Clock;
    /** Called after each batch, when readers see it. */
    readonly onApplied: (batch: AppliedBatch<Result>) => void;
    /** The state machine threw, or said that it has failed: nothing more will be applied. */
    readonly onFailure: (error: Error) => void;
    /** Default none. */
    readonly events?: EventChannel<ApplyEvent> | undefined;
  }) {
    this.#machine = options.machine;
    this.#clock = options.clock;
    this.#onApplied = options.onApplied;
    this.#onFailure = options.onFailure;
    this.#events = options.events ?? null;
  }

  /** From here on it is noticed when the state machine fails though nothing is applied. */
  start(): void {
    const { failed } = this.#machine;
    failed?.addEventListener('abort', this.#failed);
    if (failed?.aborted) this.#failed();
  }

  /** Entries that wait for the state machine. */
  get size(): number {
    return this.#queue.length - this.#position;
  }

  /** Applies what it can within one slice now, the rest in later turns of the loop. */
  add(entries: readonly Entry[]): void {
    if (entries.length === 0 || this.#state === 'stopped') return;
    for (const entry of entries) this.#queue.push(entry);
    if (this.#state === 'working') return;
    this.#state = 'working';
    this.#runSlice();
  }

  /** A snapshot took the place of the state, up to `index`: what waits and is in it is not applied any more. */
  skipTo(index: number): void {
    const waiting = this.#queue.slice(this.#position);
    this.#queue = waiting.filter((entry) => entry.index > index);
    this.#position = 0;
  }

  stop(): void {
    // The state machine may outlive this node.
    this.#machine.failed?.removeEventListener('abort', this.#failed);
    this.#state = 'stopped';
    this.#queue = [];
    this.#position = 0;
  }

  #runSlice(): void {
    const end = this.#clock.monotonicMs() + SLICE_MS;
    while (this.#position < this.#queue.length) {
      if (!this.#applyBatch()) return;
      if (this.#clock.monotonicMs() >= end && this.#position < this.#queue.length) {
        this.#clock.defer(() => {
          if (this.#state === 'working') this.#runSlice();
        });
        return;
      }
    }
    this.#queue = [];
    this.#position = 0;
    this.#state = 'idle';
  }

  /** False when the node stopped on it. */
  #applyBatch(): boolean {
    const batch: Entry[] = [];
    for (let bytes = 0; batch.length < BATCH_ENTRIES && bytes < BATCH_BYTES; ) {
      const entry = this.#queue[this.#position + batch.length];
      if (entry === undefined) break;
      bytes += entryBytes(entry);
      batch.push(entry);
    }
    try {
      const results = this.#apply(batch);
      invariant(results.length === batch.length, 'every entry has a result', { index: batch[0]?.index });
      this.#position += batch.length;
      this.#onApplied({ entries: batch, results });
    } catch (error) {
      this.stop();
      this.#onFailure(applyFailed(error, (batch[0] as Entry).index));
    }
    return this.#state !== 'stopped';
  }

  #apply(batch: readonly Entry[]): readonly (Result | null)[] {
    if (this.#events === null || !this.#events.wanted) return this.#machine.apply(batch.map(toApply));
    const beganAtMs = this.#clock.monotonicMs();
    const results = this.#machine.apply(batch.map(toApply));
    this.#events.publish({ entries: batch.length, durationMs: this.#clock.monotonicMs() - beganAtMs });
    return results;
  }
}

function toApply({ index, term, timestampMs, kind, data }: Entry): ApplyEntry {
  return { index, term, timestampMs, command: kind === 'command' ? data : null };
}

/** That its disk failed says more than where; `index` is that of the first entry of the batch. */
function applyFailed(cause: unknown, index: number): Error {
  return cause instanceof DiskFailed ? cause : new Error(`the state machine failed at index ${index}`, { cause });
}
