/**
 * Makes a state of bytes, as state-format.ts says. It must never give anything of a block whose checksum does not
 * match.
 */
import { crc32 } from 'node:zlib';
import { StateDamaged, UnknownFormat } from '../../../errors/index.js';
import type { StateView } from '../state-machine.js';
import { ByteQueue } from './byte-queue.js';
import {
  BLOCK_BYTES,
  BLOCK_HEAD_BYTES,
  END,
  ENTRY_HEAD_BYTES,
  MAGIC,
  type StateItem,
  VERSION,
} from './state-format.js';
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from './tables.js';

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
