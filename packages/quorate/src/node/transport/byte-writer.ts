/**
 * Appends values to a growing buffer. What goes in comes from this node, so a value out of range is a defect and an
 * invariant. It must never reuse bytes that were taken: the socket still reads them.
 */
import { invariant } from '../../errors/index.js';

const TWO_TO_32 = 0x1_0000_0000;

export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  /** `capacity` in bytes is where it starts; it grows as needed. */
  constructor(capacity = 1024) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  /** Bytes written since the start or the last `take()`. */
  get length(): number {
    return this.#length;
  }

  /** Makes room for `count` more bytes in one go. */
  reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.#buffer[this.#length++] = value;
  }

  flag(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  uint16(value: number): void {
    this.reserve(2);
    this.#length = this.#buffer.writeUInt16BE(value, this.#length);
  }

  uint32(value: number): void {
    this.reserve(4);
    this.#length = this.#buffer.writeUInt32BE(value, this.#length);
  }

  /** A whole number from 0 to 2^53 - 1, in eight bytes. */
  integer(value: number): void {
    invariant(Number.isSafeInteger(value) && value >= 0, 'a number on the wire is between 0 and 2^53 - 1', { value });
    this.reserve(8);
    this.#buffer.writeUInt32BE(Math.floor(value / TWO_TO_32), this.#length);
    this.#buffer.writeUInt32BE(value % TWO_TO_32, this.#length + 4);
    this.#length += 8;
  }

  /** A text of at most 65,535 bytes of UTF-8, after its length in two bytes. */
  text(value: string): void {
    const size = Buffer.byteLength(value);
    invariant(size <= 0xffff, 'a text on the wire has at most 65,535 bytes', { size });
    this.uint16(size);
    this.reserve(size);
    this.#length += this.#buffer.write(value, this.#length);
  }

  /** Any bytes, after their length in four. */
  bytes(value: Uint8Array): void {
    this.reserve(4 + value.byteLength);
    this.uint32(value.byteLength);
    this.#buffer.set(value, this.#length);
    this.#length += value.byteLength;
  }

  /** Fills in a number whose place was written before. */
  patchUint32(position: number, value: number): void {
    invariant(position + 4 <= this.#length, 'a patch stays within what was written', { position });
    this.#buffer.writeUInt32BE(value, position);
  }

  /** Forgets what was written after `length`. */
  truncate(length: number): void {
    invariant(length <= this.#length, 'a writer is cut, not extended', { length, written: this.#length });
    this.#length = length;
  }

  /** Hands out what was written, and starts anew on other memory. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafe(Math.max(256, Math.min(this.#length, 65_536)));
    this.#length = 0;
    return taken;
  }
}
