/**
 * Reads a segment that is not written any more, a window at a time, so that recovery of a large log neither holds it in
 * memory twice nor blocks the loop. It must never ask for more bytes than the file has.
 */
import { join } from 'node:path';
import type { DiskFile } from './disk.js';
import { decodeRecordHeader, headerSeed, RECORD_ALIGNMENT, RECORD_HEADER_BYTES, type RecordHeader } from './record.js';
import type { SegmentPlace } from './segment.js';
import { decodeSegmentHead, HEAD_BYTES, type SegmentHead, segmentName } from './segment-head.js';

/** A multiple of the alignment, so that no header lies across two windows. */
const WINDOW_BYTES = 1024 * 1024;
const ZEROS = Buffer.alloc(WINDOW_BYTES);

export class SegmentReader {
  readonly name: string;
  readonly head: SegmentHead;
  /** Of the head: what the checksum of the first record is chained to. */
  readonly checksum: number;
  readonly #file: DiskFile;
  /** Bytes of the file. */
  readonly size: number;
  readonly #seed: number;
  #window: { readonly offset: number; readonly bytes: Buffer } = { offset: 0, bytes: Buffer.alloc(0) };

  private constructor(file: DiskFile, size: number, { head, checksum }: { head: SegmentHead; checksum: number }) {
    this.name = segmentName(head.number);
    this.head = head;
    this.checksum = checksum;
    this.#file = file;
    this.size = size;
    this.#seed = headerSeed(head.incarnation, head.number);
  }

  /** Null when the head cannot be read. */
  static async open({ disk, directory }: SegmentPlace, number: number): Promise<SegmentReader | null> {
    const file = await disk.open(join(directory, segmentName(number)), 'open');
    let reader: SegmentReader | null = null;
    try {
      const decoded = decodeSegmentHead(await file.read(0, HEAD_BYTES));
      if (decoded?.head.number === number) reader = new SegmentReader(file, await file.size(), decoded);
    } finally {
      if (reader === null) await file.close();
    }
    return reader;
  }

  /** The file has lost its end: it was durable in its full size before it had its name. */
  get isCutShort(): boolean {
    return this.size < this.head.bytes;
  }

  /** Null when no valid header stands there. */
  async header(offset: number): Promise<RecordHeader | null> {
    const bytes = await this.bytes(offset, RECORD_HEADER_BYTES);
    return bytes === null ? null : decodeRecordHeader(bytes, 0, { seed: this.#seed, offset });
  }

  /** Null when the file ends before. */
  async bytes(offset: number, length: number): Promise<Buffer | null> {
    if (offset + length > this.size) return null;
    const start = offset - this.#window.offset;
    if (start < 0 || start + length > this.#window.bytes.length) {
      await this.#load(offset, Math.max(length, WINDOW_BYTES));
      return this.#window.bytes.length < length ? null : this.#window.bytes.subarray(0, length);
    }
    return this.#window.bytes.subarray(start, start + length);
  }

  /**
   * What stands from `offset` on, where no valid record does: is anything written there, and is there a later header
   * that says that this place was durable when it was written?
   */
  async inspectRest(offset: number): Promise<{ readonly written: boolean; readonly named: boolean }> {
    let written = false;
    for (let at = offset; at < this.size; at += WINDOW_BYTES) {
      const bytes = await this.bytes(at, Math.min(WINDOW_BYTES, this.size - at));
      if (bytes === null || bytes.equals(ZEROS.subarray(0, bytes.length))) continue;
      written = true;
      for (let position = 0; position < bytes.length; position += RECORD_ALIGNMENT) {
        const header = decodeRecordHeader(bytes, position, { seed: this.#seed, offset: at + position });
        if (header !== null && header.durableOffset > offset) return { written, named: true };
      }
    }
    return { written, named: false };
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #load(offset: number, length: number): Promise<void> {
    const bytes = await this.#file.read(offset, Math.min(length, this.size - offset));
    this.#window = { offset, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
  }
}
