/**
 * Takes the snapshots of a node: when enough has been applied since the last, or when asked. It must never report one
 * that is not durable and read back, and never hold up what is applied meanwhile: the log is cut on its word.
 */
import type { Entry, LogPosition } from '../../core/index.js';
import { entryBytes } from '../../core/index.js';
import { InvalidArgument, NoLeader, SnapshotDamaged } from '../../errors/index.js';
import type { Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import type { StateMachine, StateSnapshot } from '../state-machine/state-machine.js';
import type { RateLimit } from './rate-limit.js';
import type { SnapshotEvents } from './snapshot-events.js';
import { MAX_CHUNK_BYTES, type SnapshotHead } from './snapshot-format.js';
import type { Snapshots } from './snapshots.js';

export interface SnapshotterParts {
  readonly machine: Pick<StateMachine<never, unknown, unknown>, 'snapshot'>;
  readonly snapshots: Snapshots;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly rate: RateLimit;
  /** A snapshot is due when so many entries, or so many bytes of them, were applied since the last. */
  readonly entries: number;
  readonly bytes: number;
  /** Entries applied since the last, in this life of the node or an earlier one. */
  readonly pendingEntries: number;
  readonly signal: AbortSignal;
  readonly events: SnapshotEvents;
  /** What a snapshot at this position says of itself. */
  readonly describe: (position: LogPosition) => SnapshotHead;
  /** It is durable. */
  readonly onTaken: (position: LogPosition) => void;
}

/** After a failure. */
const REST_MS = 10_000;
/** After a success, as a multiple of the time that it took: snapshots take a quarter of the time at most. */
const REST_FACTOR = 3;

export class Snapshotter {
  readonly #parts: SnapshotterParts;
  #entries: number;
  #bytes = 0;
  #notBeforeMs = 0;
  #taking: Promise<LogPosition> | null = null;

  constructor(parts: SnapshotterParts) {
    this.#parts = parts;
    this.#entries = parts.pendingEntries;
  }

  /** These were applied; readers see them. */
  applied(entries: readonly Entry[]): void {
    this.#entries += entries.length;
    for (const entry of entries) this.#bytes += entryBytes(entry);
    const { entries: entryLimit, bytes: byteLimit, clock, logger } = this.#parts;
    const isDue = this.#entries >= entryLimit || this.#bytes >= byteLimit;
    if (!isDue || this.#taking !== null || clock.monotonicMs() < this.#notBeforeMs) return;
    this.take().catch((error: Error) => {
      // A state machine that cannot be written down never can.
      const isHopeless = error instanceof InvalidArgument;
      this.#notBeforeMs = isHopeless ? Number.POSITIVE_INFINITY : clock.monotonicMs() + REST_MS;
      if (!this.#parts.signal.aborted) logger.error({ error: error.message }, 'no snapshot could be taken');
    });
  }

  /**
   * Takes one of the present state, or joins the one under way. Resolves to its position when it is durable. Rejects
   * with InvalidArgument when the state machine cannot be written down, with NoLeader before anything was applied, with
   * the error of the disk, or the reason of the signal.
   */
  take(): Promise<LogPosition> {
    this.#taking ??= this.#take().finally(() => {
      this.#taking = null;
    });
    return this.#taking;
  }

  /** Resolves when nothing is being taken. Never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#taking]);
  }

  async #take(): Promise<LogPosition> {
    const { machine, signal, clock, onTaken } = this.#parts;
    signal.throwIfAborted();
    const beganAtMs = clock.monotonicMs();
    const state = machine.snapshot();
    if (state === null) {
      const expected = 'a state machine that can be written down (`snapshots`)';
      throw new InvalidArgument({ field: 'stateMachine', expected, received: 'one that cannot' });
    }
    const [entries, bytes] = [this.#entries, this.#bytes];
    try {
      if (state.appliedIndex === 0) throw new NoLeader();
      const position = { index: state.appliedIndex, term: state.appliedTerm };
      await this.#save(position, state);
      signal.throwIfAborted();
      const endedAtMs = clock.monotonicMs();
      this.#notBeforeMs = endedAtMs + REST_FACTOR * (endedAtMs - beganAtMs);
      this.#entries -= entries;
      this.#bytes -= bytes;
      onTaken(position);
      return position;
    } finally {
      state.release();
    }
  }

  async #save(position: LogPosition, state: StateSnapshot): Promise<void> {
    const { snapshots, signal, describe, events } = this.#parts;
    if (await isWhole(snapshots, position, signal)) return;
    const { index } = position;
    const beganAtMs = events.now();
    try {
      const bytes = await snapshots.save(describe(position), this.#slowly(state), signal);
      events.done('taken', beganAtMs, { index, bytes });
    } catch (error) {
      if (!signal.aborted) events.failed('taken', beganAtMs, { index, error });
      throw error;
    }
  }

  async *#slowly({ chunks }: StateSnapshot): AsyncGenerator<Uint8Array, void, undefined> {
    const { rate, signal } = this.#parts;
    for await (const part of chunks) {
      for (let start = 0; start < part.byteLength; start += MAX_CHUNK_BYTES) {
        const chunk = part.subarray(start, start + MAX_CHUNK_BYTES);
        await rate.take(chunk.byteLength, signal);
        yield chunk;
      }
    }
  }
}

/** Whether it is there, and what was written: the log is cut on the word of it. One that is damaged goes. */
async function isWhole(snapshots: Snapshots, position: LogPosition, signal: AbortSignal): Promise<boolean> {
  if (!snapshots.has(position)) return false;
  try {
    const reader = await snapshots.open(position);
    await reader.verify(signal);
    return true;
  } catch (error) {
    if (!(error instanceof SnapshotDamaged)) throw error;
    await snapshots.remove(position);
    return false;
  }
}
