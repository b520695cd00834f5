/**
 * What waits to be written to one socket: messages of one turn of the loop are joined into one write, and at most a
 * window of bytes is with the socket at a time. It is bounded by messages and bytes and must never hold a message back
 * in silence.
 */
import type { Writable } from 'node:stream';
import type { Message } from '../../core/index.js';
import type { Clock } from '../clock.js';
import { ByteWriter } from './byte-writer.js';
import { encodeMessage } from './codec.js';

export interface FrameQueueLimits {
  readonly maxFrameBytes: number;
  readonly maxUnsentBytes: number;
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
}

/**
 * What became of a message. `overflowed`: dropped, the first since the queue was last empty; `dropped`: one more of the
 * same overflow; `oversized`: dropped, no frame may be that long.
 */
export type Queued = 'queued' | 'overflowed' | 'dropped' | 'oversized';

/** Frames that go to the socket together. */
interface Batch {
  readonly bytes: Buffer;
  readonly messages: number;
}

/** A batch is closed at this size, so that growing it does not copy megabytes. */
const BATCH_BYTES = 64 * 1024;

export class FrameQueue {
  readonly #socket: Writable;
  readonly #clock: Clock;
  readonly #limits: FrameQueueLimits;
  /** The batch that is being filled. */
  readonly #writer = new ByteWriter();
  #writerMessages = 0;
  /** Closed batches, oldest first; the first `#sent` bytes of the oldest are with the socket already. */
  readonly #batches: Batch[] = [];
  #sent = 0;
  #queuedMessages = 0;
  #queuedBytes = 0;
  /** Bytes that the socket has and the operating system has not. */
  #unsentBytes = 0;
  #flushDeferred = false;
  #overflowing = false;

  constructor(socket: Writable, clock: Clock, limits: FrameQueueLimits) {
    this.#socket = socket;
    this.#clock = clock;
    this.#limits = limits;
  }

  push(message: Message): Queued {
    if (this.#queuedMessages >= this.#limits.maxQueuedMessages || this.#queuedBytes >= this.#limits.maxQueuedBytes) {
      const first = !this.#overflowing;
      this.#overflowing = true;
      return first ? 'overflowed' : 'dropped';
    }
    const start = this.#writer.length;
    this.#writer.uint32(0);
    encodeMessage(this.#writer, message);
    const frameBytes = this.#writer.length - start;
    if (frameBytes - 4 > this.#limits.maxFrameBytes) {
      this.#writer.truncate(start);
      return 'oversized';
    }
    this.#writer.patchUint32(start, frameBytes - 4);
    this.#writerMessages += 1;
    this.#queuedMessages += 1;
    this.#queuedBytes += frameBytes;
    if (this.#writer.length >= BATCH_BYTES) this.#closeBatch();
    this.#deferFlush();
    return 'queued';
  }

  /** Hands to the socket what its window allows. Called by itself once per turn; by others only before an end. */
  flush(): void {
    if (this.#socket.destroyed || this.#unsentBytes >= this.#limits.maxUnsentBytes) return;
    this.#closeBatch();
    this.#socket.cork();
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
      const room = this.#limits.maxUnsentBytes - this.#unsentBytes;
      if (room <= 0) break;
      const piece = batch.bytes.subarray(this.#sent, this.#sent + room);
      this.#write(piece);
      this.#sent += piece.length;
      if (this.#sent < batch.bytes.length) break;
      this.#sent = 0;
      this.#batches.shift();
      this.#queuedMessages -= batch.messages;
    }
    this.#socket.uncork();
    if (this.#queuedMessages === 0) this.#overflowing = false;
  }

  #write(piece: Buffer): void {
    this.#queuedBytes -= piece.length;
    this.#unsentBytes += piece.length;
    this.#socket.write(piece, () => {
      // After an error the socket closes, and its owner drops this queue with it.
      this.#unsentBytes -= piece.length;
      if (this.#queuedMessages > 0) this.#deferFlush();
    });
  }

  #deferFlush(): void {
    if (this.#flushDeferred) return;
    this.#flushDeferred = true;
    this.#clock.defer(() => {
      this.#flushDeferred = false;
      this.flush();
    });
  }

  #closeBatch(): void {
    if (this.#writerMessages === 0) return;
    this.#batches.push({ bytes: this.#writer.take(), messages: this.#writerMessages });
    this.#writerMessages = 0;
  }
}
