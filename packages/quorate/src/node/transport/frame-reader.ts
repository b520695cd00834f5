/**
 * Cuts a stream of bytes into frames: four bytes of length, then the payload. It holds only bytes that have arrived and
 * must never allocate what a length merely announces.
 */
import { MalformedFrame } from './malformed-frame.js';

const LENGTH_BYTES = 4;

export class FrameReader {
  #maxFrameBytes: number;
  /** What has arrived and is not handed out yet, in order. */
  #parts: Buffer[] = [];
  #available = 0;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Another limit from the next frame on: hand-shakes are short, messages may be long. */
  limit(maxFrameBytes: number): void {
    this.#maxFrameBytes = maxFrameBytes;
  }

  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#available += chunk.length;
  }

  /**
   * The payload of the next frame, null until all of it is there. A view on memory that is shared with other frames:
   * copy what is to be kept. Throws {@link MalformedFrame} when the frame is announced with more than the limit.
   */
  next(): Buffer | null {
    if (this.#available < LENGTH_BYTES) return null;
    const length = this.#head(LENGTH_BYTES).readUInt32BE(0);
    if (length > this.#maxFrameBytes) {
      throw new MalformedFrame(`it announces a frame of ${length} bytes, ${this.#maxFrameBytes} are the limit`);
    }
    const size = LENGTH_BYTES + length;
    if (this.#available < size) return null;
    const head = this.#head(size);
    if (head.length === size) this.#parts.shift();
    else this.#parts[0] = head.subarray(size);
    this.#available -= size;
    return head.subarray(LENGTH_BYTES, size);
  }

  /**
   * The first part, once it holds at least `count` bytes: parts are joined only when a frame is complete, so each byte
   * about once.
   */
  #head(count: number): Buffer {
    const first = this.#parts[0];
    if (first !== undefined && first.length >= count) return first;
    const joined = Buffer.concat(this.#parts, this.#available);
    this.#parts = [joined];
    return joined;
  }
}
