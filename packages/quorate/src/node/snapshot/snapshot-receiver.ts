/**
 * Fetches a snapshot that a leader offers, and builds its state aside: one at a time, piece by piece, from where it
 * stopped when answers are lost. It must never hand on a state whose file is not durable and checked, and nobody's
 * reads wait for it.
 */
import type { LogPosition, LogStart, NodeId, SnapshotChunk, SnapshotOffer } from '../../core/index.js';
import { SnapshotDamaged } from '../../errors/index.js';
import type { RestoredState, StateMachine } from '../state-machine/state-machine.js';
import type { SnapshotDownload } from './snapshot-download.js';
import type { SnapshotTransferParts } from './snapshot-sender.js';

export interface SnapshotReceiverParts extends SnapshotTransferParts {
  readonly clusterId: string;
  readonly machine: Pick<StateMachine<never, unknown, unknown>, 'restore'>;
  /** False once the log has come further without the snapshot. */
  readonly isNeeded: (position: LogPosition) => boolean;
  /** An unanswered question is asked again after this time. */
  readonly askAgainMs: number;
  /** Whoever takes the state swaps it in, or discards it. */
  readonly onRestored: (start: LogStart, state: RestoredState) => void;
}

/** After a failure, which says nothing of the next attempt. */
const REST_MS = 1_000;

interface Fetching {
  readonly name: 'fetching';
  readonly download: SnapshotDownload;
  readonly from: NodeId;
  readonly askedAtMs: number;
  readonly heardAtMs: number;
}

/** `busy`: with disk or state; what comes meanwhile is not for it. */
type State = { readonly name: 'idle'; readonly notBeforeMs: number } | { readonly name: 'busy' } | Fetching;

const IDLE: State = { name: 'idle', notBeforeMs: 0 };

export class SnapshotReceiver {
  readonly #parts: SnapshotReceiverParts;
  #state: State = IDLE;
  /** Of the snapshot that is being taken over. */
  #position: LogPosition = { index: 0, term: 0 };
  /** When the present transfer began, and of which snapshot it is. For events only. */
  #began: { readonly atMs: number; readonly index: number } = { atMs: 0, index: 0 };
  /** What is being done, with disk or state. Never rejects. */
  #work: Promise<void> = Promise.resolve();

  constructor(parts: SnapshotReceiverParts) {
    this.#parts = parts;
  }

  /** A snapshot that this node needs is there to be fetched. */
  offer({ from, index, term }: SnapshotOffer): void {
    const { signal, clock } = this.#parts;
    if (signal.aborted || this.#state.name !== 'idle' || clock.monotonicMs() < this.#state.notBeforeMs) return;
    this.#position = { index, term };
    this.#run(null, () => this.#begin(from, { index, term }));
  }

  /** A snapshot is being taken over that this node still needs. */
  get isReceiving(): boolean {
    return this.#state.name !== 'idle' && this.#parts.isNeeded(this.#position);
  }

  chunk({ from, index, snapshotTerm, offset, size, data }: SnapshotChunk): void {
    const state = this.#state;
    if (state.name !== 'fetching' || state.from !== from || this.#parts.signal.aborted) return;
    const { download } = state;
    const { position } = download;
    if (position.index !== index || position.term !== snapshotTerm || download.offset !== offset) return;
    if (size === 0) this.#run(download, () => this.#abandon(download));
    else this.#run(download, () => this.#take(from, download, { data, size }));
  }

  tick(): void {
    const { clock, askAgainMs, idleMs, isNeeded } = this.#parts;
    const state = this.#state;
    if (state.name !== 'fetching') return;
    const nowMs = clock.monotonicMs();
    // Whoever leads now may have the entries themselves, or another snapshot; the files of two nodes may differ.
    const isOfNoUse = nowMs - state.heardAtMs >= idleMs || !isNeeded(state.download.position);
    if (isOfNoUse) this.#run(state.download, () => this.#abandon(state.download));
    else if (nowMs - state.askedAtMs >= askAgainMs) this.#state = this.#ask(state);
  }

  /** Once the signal has aborted: resolves when nothing of it is open any more. Never rejects. */
  async close(): Promise<void> {
    await this.#work;
    const state = this.#state;
    if (state.name === 'fetching') this.#run(state.download, () => this.#abandon(state.download));
    await this.#work;
  }

  async #begin(from: NodeId, position: LogPosition): Promise<State> {
    const { snapshots, clock, events } = this.#parts;
    this.#began = { atMs: events.now(), index: position.index };
    if (snapshots.has(position)) return this.#restore(position);
    const download = await snapshots.receive(position);
    return this.#fetching(from, download, clock.monotonicMs());
  }

  async #take(
    from: NodeId,
    download: SnapshotDownload,
    { data, size }: Pick<SnapshotChunk, 'data' | 'size'>,
  ): Promise<State> {
    const { snapshots, clock, signal } = this.#parts;
    if (data.byteLength === 0 || download.offset + data.byteLength > size) {
      throw new Error(`${from} sent ${data.byteLength} bytes at ${download.offset} of ${size}`);
    }
    const heardAtMs = clock.monotonicMs();
    await download.write(data);
    if (download.offset < size) return this.#fetching(from, download, heardAtMs);
    await snapshots.adopt(download, signal);
    return this.#restore(download.position);
  }

  async #restore(position: LogPosition): Promise<State> {
    const { snapshots, machine, clusterId, signal, onRestored, events } = this.#parts;
    const reader = await snapshots.open(position);
    const { head } = reader;
    if (head.clusterId !== clusterId) throw new Error(`the snapshot is of another cluster, ${head.clusterId}`);
    const view = { appliedIndex: position.index, appliedTerm: position.term };
    const state = await machine.restore(reader.chunks(signal), view);
    if (signal.aborted) {
      state.discard();
      return IDLE;
    }
    events.done('received', this.#began.atMs, { index: position.index, bytes: snapshots.bytesOf(position) });
    onRestored({ ...position, timestampMs: head.timestampMs }, state);
    return IDLE;
  }

  #fetching(from: NodeId, download: SnapshotDownload, heardAtMs: number): State {
    return this.#ask({ name: 'fetching', download, from, heardAtMs, askedAtMs: 0 });
  }

  #ask(state: Fetching): Fetching {
    const { id, clock, send } = this.#parts;
    const { from: to, download } = state;
    const { index, term: snapshotTerm } = download.position;
    send({ type: 'snapshot-request', from: id, to, term: 0, index, snapshotTerm, offset: download.offset });
    return { ...state, askedAtMs: clock.monotonicMs() };
  }

  async #abandon(download: SnapshotDownload): Promise<State> {
    await download.discard();
    return IDLE;
  }

  /** One that was here already, and would be taken for whole again. */
  async #dropDamaged(error: unknown): Promise<void> {
    const { snapshots } = this.#parts;
    if (error instanceof SnapshotDamaged && snapshots.has(this.#position)) await snapshots.remove(this.#position);
  }

  /** Does the work, which says what state comes next. `download` is given up when it fails. */
  #run(download: SnapshotDownload | null, work: () => Promise<State>): void {
    this.#state = { name: 'busy' };
    this.#work = this.#finish(download, work);
  }

  async #finish(download: SnapshotDownload | null, work: () => Promise<State>): Promise<void> {
    const { clock, logger, signal, events } = this.#parts;
    try {
      this.#state = await work();
    } catch (error) {
      if (!signal.aborted) {
        logger.error({ error: String(error) }, 'a snapshot cannot be taken over');
        events.failed('received', this.#began.atMs, { index: this.#began.index, error });
      }
      // What cannot be removed now is swept at the next opening.
      await Promise.allSettled([download?.discard(), this.#dropDamaged(error)]);
      this.#state = { name: 'idle', notBeforeMs: clock.monotonicMs() + REST_MS };
    }
  }
}
