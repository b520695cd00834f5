/**
 * Gives other nodes the files of snapshots, piece by piece, as they ask for them. It keeps no state of a transfer, so
 * that one can go on after anything; it must never have more than one piece under way to a node.
 */
import type { LogPosition, NodeId, SnapshotChunk, SnapshotMessage, SnapshotRequest } from '../../core/index.js';
import type { Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import type { RateLimit } from './rate-limit.js';
import type { SnapshotEvents } from './snapshot-events.js';
import type { Snapshots } from './snapshots.js';

/** Half of what may be unsent in a socket of the bulk stream. */
const MAX_PIECE_BYTES = 512 * 1024;
/** What a slow rate gives in a second comes in several pieces, so that it is a rate and not a pause. */
const PIECES_PER_SECOND = 8;

/** What both ends of a transfer work with. */
export interface SnapshotTransferParts {
  readonly id: NodeId;
  readonly snapshots: Snapshots;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly send: (message: SnapshotMessage) => void;
  /** Of a transfer of which nothing was heard for so long, nothing more is expected. */
  readonly idleMs: number;
  /** Aborts when the node stops. */
  readonly signal: AbortSignal;
  readonly events: SnapshotEvents;
}

export class SnapshotSender {
  readonly #parts: SnapshotTransferParts;
  readonly #rate: RateLimit;
  readonly #pieceBytes: number;
  /** By node: the piece that is under way to it. None of them rejects. */
  readonly #busy = new Map<NodeId, Promise<void>>();
  /** By node: when it last began at the beginning. For events only. */
  readonly #beganAtMs = new Map<NodeId, number>();
  /** By index: when a piece was last asked for. */
  readonly #askedAtMs = new Map<number, number>();

  constructor(parts: SnapshotTransferParts, rate: RateLimit) {
    this.#parts = parts;
    this.#rate = rate;
    this.#pieceBytes = Math.min(Math.ceil(rate.bytesPerSecond / PIECES_PER_SECOND), MAX_PIECE_BYTES);
  }

  /** Somebody is fetching it. */
  isAskedFor({ index }: LogPosition): boolean {
    const atMs = this.#askedAtMs.get(index);
    return atMs !== undefined && this.#parts.clock.monotonicMs() - atMs < this.#parts.idleMs;
  }

  request(message: SnapshotRequest): void {
    const { from, index } = message;
    const { snapshots, clock, logger, signal, events } = this.#parts;
    // Who asks again has lost patience, not the place in the file.
    if (this.#busy.has(from) || signal.aborted) return;
    for (const asked of this.#askedAtMs.keys()) {
      if (!snapshots.positions.some((position) => position.index === asked)) this.#askedAtMs.delete(asked);
    }
    this.#askedAtMs.set(index, clock.monotonicMs());
    const answered = this.#answer(message)
      .catch((error: Error) => {
        // It asks again, or somebody else.
        if (signal.aborted) return;
        logger.error({ error: error.message, to: from }, 'a snapshot cannot be sent');
        events.failed('sent', this.#beganAtMs.get(from) ?? events.now(), { index, error });
      })
      .finally(() => this.#busy.delete(from));
    this.#busy.set(from, answered);
  }

  /** Once the signal has aborted: resolves when no file is being read. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all(this.#busy.values());
  }

  async #answer({ from: to, term, index, snapshotTerm, offset }: SnapshotRequest): Promise<void> {
    const { id, snapshots, send, signal, events } = this.#parts;
    if (offset === 0) this.#beganAtMs.set(to, events.now());
    const piece = await snapshots.read({ index, term: snapshotTerm }, offset, this.#pieceBytes);
    const { data, size } = piece ?? { data: new Uint8Array(0), size: 0 };
    await this.#rate.take(data.byteLength, signal);
    const chunk: SnapshotChunk = {
      type: 'snapshot-chunk',
      from: id,
      to,
      term,
      index,
      snapshotTerm,
      offset,
      size,
      data,
    };
    send(chunk);
    if (size === 0 || offset + data.byteLength < size) return;
    events.done('sent', this.#beganAtMs.get(to) ?? events.now(), { index, bytes: size });
    this.#beganAtMs.delete(to);
  }
}
