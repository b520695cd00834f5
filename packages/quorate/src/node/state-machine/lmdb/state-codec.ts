/**
 * The state of tables as bytes, for snapshots: a stream that may be cut into chunks anywhere. Every block carries a
 * checksum that covers the blocks before it, so that one that is altered, missing, repeated or moved is noticed. It
 * must never give a state for complete that is not.
 *
 * Format 1, numbers big-endian: `QSTATE`, version (2 bytes); then blocks: length (4, at most 64 KiB), CRC-32 (4, begun
 * with that of the block before, the first with that of the opening), payload. The payloads together: index (8), term
 * (8), number of tables (1), the name of each (length (1), UTF-8); then for each entry the number of its table (1), the
 * length of the key (2) and of the value (4), key, value; at the end 255 and the number of entries (8).
 */
import { crc32 } from 'node:zlib';
import { StateDamaged, UnknownFormat } from '../../../errors/index.js';
import type { StateView } from '../state-machine.js';
import { ByteQueue } from './byte-queue.js';
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from './tables.js';

const VERSION = 1;
const MAGIC = Buffer.from('QSTATE');
const BLOCK_BYTES = 64 * 1024;
const BLOCK_HEAD_BYTES = 8;
const ENTRY_HEAD_BYTES = 7;
const END = 255;

export interface StateHead extends StateView {
  readonly tables: readonly string[];
}

export type StateItem =
  | { readonly kind: 'head'; readonly head: StateHead }
  | { readonly kind: 'entry'; readonly table: string; readonly key: Uint8Array; readonly value: Uint8Array };

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

export class StateDecoder {
  readonly #input = new ByteQueue();
  /** Payloads that are checked. */
  readonly #body = new ByteQueue();
  #checksum: number | null = null;
  #tables: readonly string[] | null = null;
  #names: string[] = [];
  #position: (StateView & { readonly tableCount: number }) | null = null;
  #entry: { readonly table: number; readonly keyBytes: number; readonly valueBytes: number } | null = null;
  #entries = 0n;
  #ended = false;

  /**
   * Gives the head and the entries that the chunk completes, one by one, so that the caller can pause between them.
   * Throws StateDamaged, or UnknownFormat for another version.
   */
  *push(chunk: Uint8Array): Generator<StateItem, void> {
    this.#input.push(chunk);
    do {
      for (let item = this.#nextItem(); item !== null; item = this.#nextItem()) yield item;
    } while (this.#nextBlock());
  }

  /** Throws StateDamaged unless all of it was there. */
  end(): void {
    if (!this.#ended) throw new StateDamaged('it ends too early');
    if (this.#input.length > 0) throw new StateDamaged('there is something behind its end');
  }

  /** True when there was enough for another one. */
  #nextBlock(): boolean {
    if (this.#checksum === null) {
      const opening = this.#input.take(MAGIC.length + 2);
      if (opening === null) return false;
      this.#checksum = checkOpening(opening);
    }
    const head = this.#input.peek(BLOCK_HEAD_BYTES);
    if (head === null) return false;
    if (this.#ended) throw new StateDamaged('there is something behind its end');
    const length = head.readUInt32BE(0);
    if (length === 0 || length > BLOCK_BYTES) throw new StateDamaged(`a block has a length of ${length} bytes`);
    if (this.#input.length < BLOCK_HEAD_BYTES + length) return false;
    this.#input.take(BLOCK_HEAD_BYTES);
    const payload = this.#input.take(length) as Buffer;
    this.#checksum = crc32(payload, this.#checksum);
    if (this.#checksum !== head.readUInt32BE(4)) throw new StateDamaged('a checksum does not match');
    this.#body.push(payload);
    return true;
  }

  #nextItem(): StateItem | null {
    if (this.#ended && this.#body.length > 0) throw new StateDamaged('there is something behind its end');
    if (this.#ended) return null;
    return this.#tables === null ? this.#nextHead() : this.#nextEntry(this.#tables);
  }

  #nextHead(): StateItem | null {
    if (this.#position === null) {
      const bytes = this.#body.take(17);
      if (bytes === null) return null;
      const [appliedIndex, appliedTerm] = [Number(bytes.readBigUInt64BE(0)), Number(bytes.readBigUInt64BE(8))];
      if (!Number.isSafeInteger(appliedIndex) || !Number.isSafeInteger(appliedTerm)) {
        throw new StateDamaged('its index or term is above 2^53 - 1');
      }
      this.#position = { appliedIndex, appliedTerm, tableCount: bytes[16] as number };
    }
    const { appliedIndex, appliedTerm, tableCount } = this.#position;
    while (this.#names.length < tableCount) {
      const length = this.#body.peek(1)?.[0];
      if (length === undefined || this.#body.length < 1 + length) return null;
      this.#names.push((this.#body.take(1 + length) as Buffer).toString('utf8', 1));
    }
    this.#tables = this.#names;
    return { kind: 'head', head: { appliedIndex, appliedTerm, tables: this.#tables } };
  }

  #nextEntry(tables: readonly string[]): StateItem | null {
    if (this.#entry === null) {
      if (this.#body.peek(1)?.[0] === END) return this.#readEnd();
      const head = this.#body.take(ENTRY_HEAD_BYTES);
      if (head === null) return null;
      this.#entry = { table: head[0] as number, keyBytes: head.readUInt16BE(1), valueBytes: head.readUInt32BE(3) };
    }
    const { table, keyBytes, valueBytes } = this.#entry;
    const name = tables[table];
    const isPossible = keyBytes >= 1 && keyBytes <= MAX_KEY_BYTES && valueBytes <= MAX_VALUE_BYTES;
    if (name === undefined || !isPossible) throw new StateDamaged('an entry is impossible');
    const bytes = this.#body.take(keyBytes + valueBytes);
    if (bytes === null) return null;
    this.#entry = null;
    this.#entries += 1n;
    return { kind: 'entry', table: name, key: bytes.subarray(0, keyBytes), value: bytes.subarray(keyBytes) };
  }

  #readEnd(): null {
    const end = this.#body.take(9);
    if (end === null) return null;
    if (end.readBigUInt64BE(1) !== this.#entries) throw new StateDamaged('entries are missing');
    this.#ended = true;
    if (this.#body.length > 0) throw new StateDamaged('there is something behind its end');
    return null;
  }
}

/** The first checksum. */
function checkOpening(opening: Buffer): number {
  if (!opening.subarray(0, MAGIC.length).equals(MAGIC)) throw new StateDamaged('it does not begin like one');
  const version = opening.readUInt16BE(MAGIC.length);
  if (version !== VERSION) throw new UnknownFormat({ what: 'a snapshot of the state', version, known: VERSION });
  return crc32(opening);
}
