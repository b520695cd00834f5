/**
 * Reads values from one frame. Nothing in it is trusted: every length is checked against the bytes that are left before
 * anything is allocated, and whatever does not fit is a {@link MalformedFrame}, never another error.
 */
import { isUtf8 } from 'node:buffer';
import { MalformedFrame } from './malformed-frame.js';

const TWO_TO_32 = 0x1_0000_0000;
/** The upper half of 2^53 - 1. */
const MAX_UPPER_HALF = 0x1f_ffff;

export class ByteReader {
  readonly #buffer: Buffer;
  #position = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  byte(): number {
    return this.#buffer.readUInt8(this.#advance(1));
  }

  flag(): boolean {
    const value = this.byte();
    if (value > 1) throw new MalformedFrame(`a flag is ${value}`);
    return value === 1;
  }

  uint16(): number {
    return this.#buffer.readUInt16BE(this.#advance(2));
  }

  uint32(): number {
    return this.#buffer.readUInt32BE(this.#advance(4));
  }

  /** A number in eight bytes, at most 2^53 - 1. */
  integer(): number {
    const position = this.#advance(8);
    const upper = this.#buffer.readUInt32BE(position);
    if (upper > MAX_UPPER_HALF) throw new MalformedFrame('a number is above 2^53 - 1');
    return upper * TWO_TO_32 + this.#buffer.readUInt32BE(position + 4);
  }

  text(): string {
    const size = this.uint16();
    const start = this.#advance(size);
    const bytes = this.#buffer.subarray(start, start + size);
    if (!isUtf8(bytes)) throw new MalformedFrame('a text is not UTF-8');
    return bytes.toString();
  }

  /**
   * A copy, as a plain `Uint8Array`: it outlives the frame in the log, and a state machine must not see another class
   * of array on the node that proposed a command than on the others.
   */
  bytes(): Uint8Array {
    const size = this.uint32();
    const start = this.#advance(size);
    return new Uint8Array(this.#buffer.subarray(start, start + size));
  }

  /** How many items follow. Each takes at least `itemBytes`, so that a count alone cannot make us allocate. */
  count(itemBytes: number): number {
    const count = this.uint32();
    const left = this.#buffer.length - this.#position;
    if (count * itemBytes > left) throw new MalformedFrame(`${count} items do not fit into ${left} bytes`);
    return count;
  }

  /** Reads `count(itemBytes)` items one after the other. */
  list<T>(itemBytes: number, item: () => T): T[] {
    const items: T[] = [];
    for (let left = this.count(itemBytes); left > 0; left--) items.push(item());
    return items;
  }

  /** Everything was read. */
  end(): void {
    const left = this.#buffer.length - this.#position;
    if (left > 0) throw new MalformedFrame(`${left} bytes are left over`);
  }

  #advance(count: number): number {
    const position = this.#position;
    const left = this.#buffer.length - position;
    if (count > left) throw new MalformedFrame(`${count} bytes are expected where ${left} are left`);
    this.#position = position + count;
    return position;
  }
}
