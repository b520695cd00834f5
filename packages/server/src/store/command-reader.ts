/**
 * Reads the bytes of one command from front to end. Bytes that are missing, or left over, are an error: a command that
 * is not understood to its last byte must never be applied.
 */
export class CommandReader {
  readonly #data: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#data.length - this.#at;
  }

  byte(): number {
    return this.#take(1).readUInt8();
  }

  uint16(): number {
    return this.#take(2).readUInt16BE();
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): number {
    return Number(this.#take(8).readBigUInt64BE());
  }

  text(bytes: number, encoding: 'utf8' | 'latin1' | 'base64url'): string {
    return this.#take(bytes).toString(encoding);
  }

  /** Its length in 2 bytes, and the key in UTF-8. */
  key(): string {
    return this.text(this.uint16(), 'utf8');
  }

  /** A copy: the state keeps it for long, and must not keep the whole block of the log that it came in. */
  copy(bytes: number): Uint8Array {
    return new Uint8Array(this.#take(bytes));
  }

  /** Throws unless everything has been read. */
  end(): void {
    if (this.remaining > 0) throw new Error(`a key-value command has ${this.remaining} bytes too many`);
  }

  #take(bytes: number): Buffer {
    if (bytes > this.remaining) throw new Error('a key-value command ends too early');
    const taken = this.#data.subarray(this.#at, this.#at + bytes);
    this.#at += bytes;
    return taken;
  }
}
