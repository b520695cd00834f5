/**
 * The snapshots of a running replica: taken here, given to others, taken over from others; and the log, which is cut
 * behind them. It must never cut what is in no durable snapshot, nor what somebody is about to fetch.
 */
import type {
  CoreStatus,
  Entry,
  LogPosition,
  LogStart,
  RawNode,
  SnapshotMessage,
  SnapshotOffer,
} from '../../core/index.js';
import { Stopped, unreachable } from '../../errors/index.js';
import type { StateMachine } from '../state-machine/state-machine.js';
import type { LogStorage } from '../storage/log-storage.js';
import { RateLimit } from './rate-limit.js';
import type { SnapshotHead } from './snapshot-format.js';
import { SnapshotReceiver, type SnapshotReceiverParts } from './snapshot-receiver.js';
import { SnapshotSender } from './snapshot-sender.js';
import { Snapshotter } from './snapshotter.js';

/** When snapshots are taken, and what is kept. */
export interface SnapshotOptions {
  /** Entries applied since the last one. */
  readonly snapshotEntries: number;
  /** Bytes of them. */
  readonly snapshotLogBytes: number;
  /** Entries kept in the log behind a snapshot, for followers that are a little behind. */
  readonly keptEntries: number;
  /** Snapshots kept. */
  readonly keptSnapshots: number;
  /** For writing, and for sending. */
  readonly snapshotBytesPerSecond: number;
}

/** The snapshots that a node has on its disk. */
export interface SnapshotStatus {
  /** The last entry in the newest one; null without one. */
  readonly index: number | null;
  readonly count: number;
  /** Of their files together. */
  readonly bytes: number;
}

export interface ReplicaSnapshotsParts extends Omit<SnapshotReceiverParts, 'signal' | 'onRestored'> {
  readonly options: SnapshotOptions;
  readonly core: Pick<RawNode, 'status' | 'startAt' | 'snapshotted' | 'cutLog'>;
  readonly log: Pick<LogStorage, 'snapshotted'>;
  readonly machine: StateMachine<never, unknown, unknown>;
  /** Of a snapshot at this position. */
  readonly describe: (start: LogStart) => SnapshotHead;
  readonly onRestored: SnapshotReceiverParts['onRestored'];
  /** Something went wrong that nobody expects. */
  readonly onFailure: (error: Error) => void;
}

/** So many times the kept entries stay for followers that are on their way. */
const MOST_KEPT = 16;

export class ReplicaSnapshots {
  readonly #parts: ReplicaSnapshotsParts;
  readonly #lifetime = new AbortController();
  readonly #snapshotter: Snapshotter;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  /** Settles when the snapshots that went last are gone. Never rejects. */
  #retaining: Promise<void> = Promise.resolve();

  constructor(parts: ReplicaSnapshotsParts) {
    const { clock, options } = parts;
    const { signal } = this.#lifetime;
    this.#parts = parts;
    const rate = () => new RateLimit(clock, options.snapshotBytesPerSecond);
    this.#snapshotter = new Snapshotter({
      ...parts,
      ...{ signal, rate: rate(), entries: options.snapshotEntries, bytes: options.snapshotLogBytes },
      describe: ({ index }) => parts.describe(parts.core.startAt(index)),
      onTaken: (position) => this.#taken(position),
    });
    this.#sender = new SnapshotSender({ ...parts, signal }, rate());
    this.#receiver = new SnapshotReceiver({ ...parts, signal });
  }

  applied(entries: readonly Entry[]): void {
    this.#snapshotter.applied(entries);
  }

  /** Takes one now. See `Snapshotter`. */
  take(): Promise<LogPosition> {
    return this.#snapshotter.take();
  }

  offer(offer: SnapshotOffer): void {
    this.#receiver.offer(offer);
  }

  receive(message: SnapshotMessage): void {
    switch (message.type) {
      case 'snapshot-request':
        this.#sender.request(message);
        break;
      case 'snapshot-chunk':
        this.#receiver.chunk(message);
        break;
      default:
        unreachable(message);
    }
  }

  get status(): SnapshotStatus {
    const { newest, count, bytes } = this.#parts.snapshots;
    return { index: newest?.index ?? null, count, bytes };
  }

  get isReceiving(): boolean {
    return this.#receiver.isReceiving;
  }

  tick(): void {
    this.#receiver.tick();
  }

  /** Begins nothing any more. */
  stop(): void {
    this.#lifetime.abort(new Stopped());
  }

  /** After `stop`: resolves when no file is open. Never rejects. */
  async close(): Promise<void> {
    await Promise.all([this.#snapshotter.settled(), this.#sender.settled(), this.#receiver.close()]);
    await this.#retaining;
  }

  #taken(position: LogPosition): void {
    const { core, log, logger, onFailure } = this.#parts;
    try {
      core.snapshotted(position);
      const cutIndex = this.#cutIndex(position, core.status());
      core.cutLog(cutIndex);
      log.snapshotted(position, cutIndex);
      logger.info({ ...position, cutIndex }, 'a snapshot was taken');
    } catch (error) {
      onFailure(error as Error);
      throw error;
    }
    this.#retain();
  }

  /** Behind what is kept in any case, there may be followers on their way. */
  #cutIndex({ index }: LogPosition, { start, followers }: CoreStatus): number {
    const { keptEntries } = this.#parts.options;
    const fetched = this.#parts.snapshots.positions.filter((position) => this.#sender.isAskedFor(position));
    const followed = followers.filter(({ recentlyActive, state }) => recentlyActive && state !== 'snapshot');
    const needed = [...fetched.map((position) => position.index), ...followed.map(({ matchIndex }) => matchIndex)];
    const wanted = Math.min(index - keptEntries, ...needed);
    return Math.max(start, wanted, index - MOST_KEPT * keptEntries);
  }

  #retain(): void {
    const { snapshots, options, core, logger } = this.#parts;
    const isNeeded = (position: LogPosition) =>
      this.#sender.isAskedFor(position) || position.index === core.status().snapshot;
    this.#retaining = this.#retaining
      .then(() => snapshots.retain(options.keptSnapshots, isNeeded))
      .catch((error: Error) => {
        logger.error({ error: error.message }, 'old snapshots could not be removed');
      });
  }
}
