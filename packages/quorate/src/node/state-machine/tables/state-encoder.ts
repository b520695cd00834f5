/**
 * Makes bytes of a state, as state-format.ts says. It must never give a block away that it changes afterwards.
 */
import { crc32 } from 'node:zlib';
import {
  BLOCK_BYTES,
  BLOCK_HEAD_BYTES,
  END,
  ENTRY_HEAD_BYTES,
  MAGIC,
  type StateHead,
  VERSION,
} from './state-format.js';

export class StateEncoder {
  readonly #tables: readonly string[];
  #ready: Uint8Array[] = [];
  #block = Buffer.allocUnsafe(BLOCK_HEAD_BYTES + BLOCK_BYTES);
  #used = BLOCK_HEAD_BYTES;
  #checksum: number;
  #entries = 0n;

  constructor({ appliedIndex, appliedTerm, tables }: StateHead) {
    this.#tables = tables;
    const opening = Buffer.concat([MAGIC, Buffer.from([VERSION >> 8, VERSION])]);
    this.#checksum = crc32(opening);
    this.#ready.push(opening);
    const position = Buffer.alloc(17);
    position.writeBigUInt64BE(BigInt(appliedIndex), 0);
    position.writeBigUInt64BE(BigInt(appliedTerm), 8);
    position[16] = tables.length;
    this.#append(position);
    for (const table of tables) {
      const name = Buffer.from(table);
      this.#append(Buffer.from([name.length]));
      this.#append(name);
    }
  }

  /** Keys of a table in any order. */
  add(table: string, key: Uint8Array, value: Uint8Array): void {
    const head = Buffer.allocUnsafe(ENTRY_HEAD_BYTES);
    head[0] = this.#tables.indexOf(table);
    head.writeUInt16BE(key.byteLength, 1);
    head.writeUInt32BE(value.byteLength, 3);
    this.#append(head);
    this.#append(key);
    this.#append(value);
    this.#entries += 1n;
  }

  end(): void {
    const end = Buffer.allocUnsafe(9);
    end[0] = END;
    end.writeBigUInt64BE(this.#entries, 1);
    this.#append(end);
    this.#seal();
  }

  /** What is complete since the last call. */
  take(): readonly Uint8Array[] {
    const ready = this.#ready;
    if (ready.length > 0) this.#ready = [];
    return ready;
  }

  #append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; ) {
      const part = bytes.subarray(at, at + this.#block.length - this.#used);
      this.#block.set(part, this.#used);
      this.#used += part.byteLength;
      at += part.byteLength;
      if (this.#used === this.#block.length) this.#seal();
    }
  }

  #seal(): void {
    if (this.#used === BLOCK_HEAD_BYTES) return;
    const block = this.#block.subarray(0, this.#used);
    const payload = block.subarray(BLOCK_HEAD_BYTES);
    this.#checksum = crc32(payload, this.#checksum);
    block.writeUInt32BE(payload.length, 0);
    block.writeUInt32BE(this.#checksum, 4);
    this.#ready.push(block);
    this.#block = Buffer.allocUnsafe(BLOCK_HEAD_BYTES + BLOCK_BYTES);
    this.#used = BLOCK_HEAD_BYTES;
  }
}
