/**
 * The durable log of a node (decision 5). One write is under way at a time; the steps that come meanwhile share the
 * next one. It must never acknowledge a step that is not durable, and after one failure it must never write again: what
 * the system kept of a failed write is not known, so going on with that file could lose what was acknowledged.
 */
import type { LogPosition, LogStart } from '../../core/index.js';
import { DiskFailed, DiskStalled, InvariantViolation, Overloaded, Stopped, unreachable } from '../../errors/index.js';
import type { Clock, Timer } from '../clock.js';
import type { EventChannel } from '../event-channel.js';
import type { Logger } from '../logger.js';
import type { LogEvent } from '../node-events.js';
import type { LogAppend, LogStorage } from './log-storage.js';
import { type LogTail, tailAfter } from './log-tail.js';
import type { OlderSegments } from './older-segments.js';
import type { LogRecord } from './record.js';
import type { LogIdentity, Recovery } from './recovery.js';
import { type Allocation, allocate, Segment, type SegmentPlace, segmentBytes } from './segment.js';
import { mergeSteps, StepQueue, type WaitingStep } from './step-queue.js';

export interface WriteAheadLogParts {
  readonly place: SegmentPlace;
  readonly identity: LogIdentity;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly segmentBytes: number;
  readonly maxBatchBytes: number;
  readonly maxWaitingBytes: number;
  readonly sealAfterMs: number;
  /** Null when nobody is told. */
  readonly events: EventChannel<LogEvent> | null;
}

/** The file of the next segment, being filled with zeros while the current one is in use. Never rejects. */
type Preparation = Promise<{ readonly allocation: Allocation } | { readonly error: unknown }>;

type Life =
  | { readonly state: 'open' }
  | { readonly state: 'closing'; readonly closed: Promise<void> }
  | { readonly state: 'failed'; readonly error: Error; readonly released: Promise<void> };

export class WriteAheadLog implements LogStorage {
  readonly #parts: WriteAheadLogParts;
  readonly #queue = new StepQueue();
  /** Aborted when the log ends: nothing further is prepared. */
  readonly #lifetime = new AbortController();
  #life: Life = { state: 'open' };
  #segment: Segment;
  #preparation: Preparation | null = null;
  /** After the steps that are durable. */
  #durable: LogTail;
  /** After the steps that were taken. */
  #tail: LogTail;
  /** The newest durable snapshot. */
  #snapshot: LogPosition;
  /** Entries up to here are not needed any more. */
  #cutIndex = 0;
  readonly #older: OlderSegments;
  /** In the write that is under way. */
  #underWay: readonly WaitingStep[] = [];
  /** Set while the steps of the queue are being written, one record after the other. Never rejects. */
  #writing: Promise<void> | null = null;
  /** Something is durable that no later record names yet. */
  #unsealed: boolean;
  #sealTimer: Timer | null = null;
  #sealDue = false;

  /** `unsealed`: the segment begins with a record that was carried over. */
  constructor(
    parts: WriteAheadLogParts,
    start: Pick<Recovery, 'snapshot' | 'older'> & { segment: Segment; durable: LogTail; unsealed: boolean },
  ) {
    this.#parts = parts;
    this.#snapshot = start.snapshot;
    this.#older = start.older;
    this.#segment = start.segment;
    this.#durable = start.durable;
    this.#tail = start.durable;
    this.#unsealed = start.unsealed;
    this.#armSeal();
  }

  /** Rejects with DiskFailed once a write has failed, and with Stopped once the log is being closed. */
  append(step: LogAppend): Promise<void> {
    switch (this.#life.state) {
      case 'failed':
        return Promise.reject(this.#life.error);
      case 'closing':
        return Promise.reject(new Stopped());
      case 'open':
        break;
      default:
        unreachable(this.#life);
    }
    try {
      this.#tail = tailAfter(this.#tail, step);
    } catch (error) {
      return Promise.reject(this.#fail(error));
    }
    const durable = this.#queue.push(step, this.#tail);
    const { maxWaitingBytes } = this.#parts;
    if (this.#queue.bytes > maxWaitingBytes) {
      this.#fail(new Overloaded({ queue: 'bytes waiting for the disk', limit: maxWaitingBytes }));
    } else {
      this.#write();
    }
    return durable;
  }

  snapshotted(position: LogPosition, cutIndex: number): void {
    if (position.index > this.#snapshot.index) this.#snapshot = position;
    this.#cutIndex = Math.max(this.#cutIndex, cutIndex);
  }

  /**
   * After a failure it only waits until the files are closed. Rejects with DiskFailed when the seal cannot be written.
   */
  close(): Promise<void> {
    switch (this.#life.state) {
      case 'failed':
        return this.#life.released;
      case 'closing':
        return this.#life.closed;
      case 'open': {
        const closed = Promise.resolve().then(() => this.#shutDown());
        this.#life = { state: 'closing', closed };
        return closed;
      }
      default:
        return unreachable(this.#life);
    }
  }

  abandon(reason: Error): void {
    this.#fail(reason);
  }

  #write(): void {
    this.#cancelSeal();
    if (this.#writing === null && this.#hasWork()) this.#writing = this.#writeAll();
  }

  #hasWork(): boolean {
    return !this.#hasFailed() && (!this.#queue.isEmpty || (this.#sealDue && this.#unsealed));
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#hasWork()) await this.#writeNext();
    } catch (error) {
      this.#fail(error);
    }
    // In the same turn as the last look at the queue, so that no step is left in it.
    this.#writing = null;
    this.#armSeal();
  }

  /** Writes the record of the steps that wait, or a seal when none does. */
  async #writeNext(): Promise<void> {
    const steps = this.#queue.take(this.#parts.maxBatchBytes);
    this.#underWay = steps;
    const record = mergeSteps(steps) ?? { hardState: this.#durable.hardState, entries: [] };
    const restart = steps[0]?.step.restart ?? null;
    if (restart !== null || !this.#segment.fits(record)) await this.#roll(record, restart);
    if (this.#hasFailed()) return;
    // The head of a new segment tells of a new beginning, and of its hard state.
    if (restart === null || record.entries.length > 0) await this.#append(record);
    if (this.#hasFailed()) return;
    if (record.entries[0] !== undefined) this.#older.supersede(record.entries[0].index);
    this.#durable = steps.at(-1)?.tail ?? this.#durable;
    this.#unsealed = steps.length > 0;
    this.#sealDue &&= this.#unsealed;
    this.#underWay = [];
    for (const step of steps) step.resolve();
    this.#prepareNext();
  }

  async #append(record: LogRecord): Promise<void> {
    const { events, clock } = this.#parts;
    if (events === null || !events.wanted) return this.#segment.append(record);
    const before = this.#segment.end.offset;
    const beganAtMs = clock.monotonicMs();
    await this.#segment.append(record);
    events.publish({
      bytes: this.#segment.end.offset - before,
      durationMs: clock.monotonicMs() - beganAtMs,
      logBytes: this.#older.bytes + this.#segment.bytes,
    });
  }

  async #roll(first: LogRecord, restart: LogStart | null): Promise<void> {
    const { place, identity, logger, segmentBytes: configured } = this.#parts;
    const { last } = this.#durable;
    const hardState = restart === null ? this.#durable.hardState : { ...first.hardState, commit: restart.index };
    if (restart !== null) this.snapshotted(restart, restart.index);
    const number = this.#segment.number + 1;
    const bytes = segmentBytes(configured, first);
    const allocation = await this.#takeAllocation(number, bytes);
    const head = {
      ...identity,
      ...{ number, hardState },
      snapshot: this.#snapshot,
      previous: restart ?? last,
      restarts: restart !== null,
      previousEnd: this.#segment.end,
    };
    const { signal } = this.#lifetime;
    const next = await Segment.create(place, allocation, { head, carried: null, signal });
    const full = this.#segment;
    this.#segment = next;
    await full.close();
    this.#older.add({ number: full.number, bytes: full.bytes, lastIndex: head.previous.index });
    const end = Math.min(this.#cutIndex, head.snapshot.index);
    if (!this.#hasFailed()) this.#older.removeUpTo(end, place, logger);
  }

  async #takeAllocation(number: number, bytes: number): Promise<Allocation> {
    const prepared = await this.#preparation;
    this.#preparation = null;
    if (prepared !== null && 'allocation' in prepared) {
      if (prepared.allocation.bytes >= bytes) return prepared.allocation;
      await prepared.allocation.file.close();
    } else if (prepared !== null && !hadNoSpace(prepared.error)) throw prepared.error;
    // A disk that was full may have space by now, and nothing was in that file yet.
    return allocate(this.#parts.place, { number, bytes, signal: this.#lifetime.signal });
  }

  /** Once the segment is half full. */
  #prepareNext(): void {
    if (this.#preparation !== null || this.#segment.end.offset < this.#segment.bytes / 2) return;
    if (this.#life.state !== 'open') return;
    const { place, segmentBytes: bytes } = this.#parts;
    const { signal } = this.#lifetime;
    this.#preparation = allocate(place, { number: this.#segment.number + 1, bytes, signal }).then(
      (allocation) => ({ allocation }),
      // Fails when the segment is needed: until then the one in use takes writes.
      (error: unknown) => {
        if (!signal.aborted) this.#warnOfPreparation(error);
        return { error };
      },
    );
  }

  #warnOfPreparation(error: unknown): void {
    const { place, logger } = this.#parts;
    const leftBytes = this.#segment.bytes - this.#segment.end.offset;
    const about = { error: messageOf(error), directory: place.directory, leftBytes };
    const sentence = 'the next segment of the log cannot be made: the node stops when the present one is full';
    logger.warn(about, hadNoSpace(error) ? `${sentence}, unless space is freed before` : sentence);
  }

  #armSeal(): void {
    if (!this.#unsealed || this.#life.state !== 'open') return;
    this.#sealTimer = this.#parts.clock.setTimer(this.#parts.sealAfterMs, () => {
      this.#sealTimer = null;
      this.#sealDue = true;
      this.#write();
    });
  }

  #cancelSeal(): void {
    this.#sealTimer?.cancel();
    this.#sealTimer = null;
  }

  async #shutDown(): Promise<void> {
    this.#sealDue = true;
    this.#write();
    await this.#writing;
    this.#lifetime.abort(new Stopped());
    try {
      if (!this.#hasFailed()) await this.#closeFiles();
    } catch (error) {
      this.#fail(error);
    }
    if (this.#life.state !== 'failed') return;
    await this.#life.released;
    throw this.#life.error;
  }

  async #closeFiles(): Promise<void> {
    await this.#older.settled();
    await this.#segment.close();
    const prepared = await this.#preparation;
    if (prepared === null || 'error' in prepared) return;
    await prepared.allocation.file.close();
    await this.#parts.place.disk.remove(prepared.allocation.path);
  }

  /** Ends the log: whoever waits, and whoever comes, gets the same error. Returns it. */
  #fail(cause: unknown): Error {
    if (this.#life.state === 'failed') return this.#life.error;
    const isOwn = cause instanceof InvariantViolation || cause instanceof DiskStalled;
    const error = isOwn ? cause : diskFailed(this.#segment.path, cause);
    this.#cancelSeal();
    this.#lifetime.abort(error);
    this.#life = { state: 'failed', error, released: this.#release() };
    this.#parts.logger.error({ error: error.message, segment: this.#segment.path }, 'the log has failed');
    for (const step of [...this.#underWay, ...this.#queue.take(Number.POSITIVE_INFINITY)]) step.reject(error);
    return error;
  }

  #hasFailed(): boolean {
    return this.#life.state === 'failed';
  }

  /** When it is done nothing is under way any more, so that no late write, name or truncation can follow. */
  async #release(): Promise<void> {
    await this.#writing;
    const prepared = this.#preparation;
    const results = await Promise.allSettled([
      this.#older.settled(),
      this.#segment.close(),
      prepared?.then((result) => ('allocation' in result ? result.allocation.file.close() : undefined)),
    ]);
    for (const result of results) {
      if (result.status === 'rejected') {
        this.#parts.logger.error({ error: String(result.reason) }, 'a file of the failed log could not be closed');
      }
    }
  }
}

function diskFailed(path: string, cause: unknown): DiskFailed {
  const remedy = hadNoSpace(cause) ? 'free space on that file system' : 'repair the disk';
  return new DiskFailed(
    `the log cannot be written (${path}: ${messageOf(cause)}): nothing more is written; ${remedy} and start the ` +
      'node again',
    { cause },
  );
}

/** No space, or no more of it for this user. */
function hadNoSpace(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
