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

export interface ReplicaSnapshotsParts extends Omit<SnapshotReceiverParts, 'signal' | 'isNeeded'> {
  readonly options: SnapshotOptions;
  readonly core: Pick<RawNode, 'status' | 'startAt' | 'startWithin' | 'lacks' | 'snapshotted' | 'cutLog'>;
  readonly log: Pick<LogStorage, 'snapshotted'>;
  readonly machine: StateMachine<never, unknown, unknown>;
  /** The newest snapshot that is one of this log; null without one. */
  readonly newestSnapshot: LogPosition | null;
  /** Of a snapshot at this position. */
  readonly describe: (start: LogStart) => SnapshotHead;
  /** A state waits for the log to begin behind it. */
  readonly isRestoring: () => boolean;
  /** Something went wrong that nobody expects. */
  readonly onFailure: (error: Error) => void;
}

/** So many times the kept entries stay for followers that are a little further behind. */
const MOST_KEPT = 4;
/** So many times the bytes of entries between two snapshots stay for a follower that is fetching one. */
const MOST_KEPT_BYTES = 2;

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
      // A state that was kept over the start may be far ahead of the last snapshot, and there may be none any more.
      pendingEntries: Math.max(0, parts.machine.appliedIndex - (parts.newestSnapshot?.index ?? 0)),
      describe: ({ index }) => parts.describe(parts.core.startAt(index)),
      onTaken: (position) => this.#taken(position),
    });
    this.#sender = new SnapshotSender({ ...parts, signal }, rate());
    const isNeeded = (position: LogPosition) => parts.core.lacks(position);
    this.#receiver = new SnapshotReceiver({ ...parts, signal, isNeeded });
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

  /** Behind what is kept in any case, there may be followers on their way. Memory bounds all of it. */
  #cutIndex({ index }: LogPosition, { start, followers }: CoreStatus): number {
    const { options, snapshots, core } = this.#parts;
    const { keptEntries, snapshotLogBytes } = options;
    // A check of the quorum may just have forgotten who is active, but not to whom entries are sent as they come.
    const followed = followers.filter(({ state, recentlyActive }) => {
      return state === 'replicate' || (state === 'probe' && recentlyActive);
    });
    const behind = Math.min(index - keptEntries, ...followed.map(({ matchIndex }) => matchIndex));
    const kept = Math.max(behind, index - MOST_KEPT * keptEntries, core.startWithin(snapshotLogBytes));
    // Without the entries from there on it would have to fetch the next one, and the next.
    const fetched = snapshots.positions.filter((position) => this.#sender.isAskedFor(position));
    const needed = Math.min(kept, ...fetched.map((position) => position.index));
    return Math.max(start, Math.min(index, Math.max(needed, core.startWithin(MOST_KEPT_BYTES * snapshotLogBytes))));
  }

  #retain(): void {
    const { snapshots, options, core, logger, isRestoring } = this.#parts;
    // While another state waits for the log, the log still begins with an older one.
    const isNeeded = (position: LogPosition) =>
      isRestoring() || this.#sender.isAskedFor(position) || position.index === core.status().snapshot;
    this.#retaining = this.#retaining
      .then(() => snapshots.retain(options.keptSnapshots, isNeeded))
      .catch((error: Error) => {
        logger.error({ error: error.message }, 'old snapshots could not be removed');
      });
  }
}
