/**
 * Bytes that come in pieces and are taken in others. It copies only what lies across two pieces, and must never give
 * part of what was asked for.
 */

export class ByteQueue {
  #pieces: Buffer[] = [];
  /** How much of the first piece is taken already. */
  #taken = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    this.#pieces.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.#length += bytes.byteLength;
  }

  /** The next `count` bytes, which stay; null when there are fewer. */
  peek(count: number): Buffer | null {
    if (this.#length < count) return null;
    const first = this.#pieces[0];
    if (first === undefined) return Buffer.alloc(0);
    if (first.length - this.#taken >= count) return first.subarray(this.#taken, this.#taken + count);
    const rest = first.subarray(this.#taken);
    return Buffer.concat([rest, ...this.#pieces.slice(1)], count);
  }

  /** The next `count` bytes; null when there are fewer. They are those of the pieces: valid as long as these. */
  take(count: number): Buffer | null {
    const bytes = this.peek(count);
    if (bytes === null) return null;
    this.#length -= count;
    this.#taken += count;
    let whole = 0;
    for (let piece = this.#pieces[0]; piece !== undefined && this.#taken >= piece.length; piece = this.#pieces[whole]) {
      this.#taken -= piece.length;
      whole += 1;
    }
    if (whole > 0) this.#pieces.splice(0, whole);
    return bytes;
  }
}
