/**
 * The segment that is being written. It comes into being as a whole (zeros, head and what is carried over are durable
 * before it has its name), and records are then written one after the other into blocks that exist. It must never write
 * a byte twice.
 */
import { join } from 'node:path';
import type { Disk, DiskFile } from './disk.js';
import { encodeRecord, headerSeed, type LogRecord, recordBytes } from './record.js';
import { encodeSegmentHead, HEAD_BYTES, type SegmentEnd, type SegmentHead, segmentName } from './segment-head.js';

/** Large enough for few writes, small enough to let those of the log in between. */
const ZEROS = new Uint8Array(1024 * 1024);

/** Where the segments are. */
export interface SegmentPlace {
  readonly disk: Disk;
  /** Path of the folder of the log. */
  readonly directory: string;
}

/** A file of durable zeros under a temporary name, that a segment can be made in. */
export interface Allocation {
  readonly file: DiskFile;
  readonly path: string;
  readonly bytes: number;
}

/**
 * Fills a file with zeros, so that writes in it later change no metadata: that is what makes a durable write one round
 * to the drive. Each chunk is made durable by itself: one sync of it all holds up the writes to the log twice as long.
 * Rejects with the reason of `signal`, having closed the file, or not opened it.
 */
export async function allocate(
  { disk, directory }: SegmentPlace,
  { number, bytes, signal }: { readonly number: number; readonly bytes: number; readonly signal: AbortSignal },
): Promise<Allocation> {
  signal.throwIfAborted();
  const path = join(directory, `${segmentName(number)}.tmp`);
  const file = await disk.open(path, 'create');
  try {
    for (let offset = 0; offset < bytes; offset += ZEROS.byteLength) {
      signal.throwIfAborted();
      await file.writeDurably(ZEROS.subarray(0, Math.min(ZEROS.byteLength, bytes - offset)), offset);
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  return { file, path, bytes };
}

export class Segment {
  readonly number: number;
  /** Path of the file. */
  readonly path: string;
  /** Bytes of the file; a record may not go beyond. */
  readonly bytes: number;
  readonly #file: DiskFile;
  readonly #seed: number;
  #end: SegmentEnd;

  private constructor(head: SegmentHead, path: string, { file, bytes }: Allocation, end: SegmentEnd) {
    this.number = head.number;
    this.path = path;
    this.bytes = bytes;
    this.#file = file;
    this.#seed = headerSeed(head.incarnation, head.number);
    this.#end = end;
  }

  /**
   * Makes a segment out of an allocation of at least {@link segmentBytes}. `carried` is its first record, durable
   * together with the head. Closes the file when it fails, or when `signal` fires between two of its steps.
   */
  static async create(
    { disk, directory }: SegmentPlace,
    allocation: Allocation,
    create: {
      readonly head: Omit<SegmentHead, 'bytes'>;
      readonly carried: LogRecord | null;
      readonly signal: AbortSignal;
    },
  ): Promise<Segment> {
    const { file } = allocation;
    const { carried, signal } = create;
    const head = { ...create.head, bytes: allocation.bytes };
    try {
      signal.throwIfAborted();
      const { bytes, checksum } = encodeSegmentHead(head);
      const place = { seed: headerSeed(head.incarnation, head.number), offset: HEAD_BYTES, previousChecksum: checksum };
      const record = carried === null ? null : encodeRecord(carried, place);
      await file.writeDurably(record === null ? bytes : Buffer.concat([bytes, record.bytes]), 0);
      signal.throwIfAborted();
      const path = join(directory, segmentName(head.number));
      await disk.rename(allocation.path, path);
      signal.throwIfAborted();
      await disk.syncDirectory(directory);
      const end = { offset: HEAD_BYTES + (record?.bytes.length ?? 0), checksum: record?.checksum ?? checksum };
      return new Segment(head, path, allocation, end);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Behind the last record that is durable. */
  get end(): SegmentEnd {
    return this.#end;
  }

  fits(record: LogRecord): boolean {
    return this.#end.offset + recordBytes(record) <= this.bytes;
  }

  /** Resolves when the record is durable. One at a time; after a failure, none. */
  async append(record: LogRecord): Promise<void> {
    const { offset, checksum: previousChecksum } = this.#end;
    const { bytes, checksum } = encodeRecord(record, { seed: this.#seed, offset, previousChecksum });
    await this.#file.writeDurably(bytes, offset);
    this.#end = { offset: offset + bytes.length, checksum };
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** The bytes of a segment: as configured, or as many as its first record needs. */
export function segmentBytes(configured: number, first: LogRecord | null): number {
  return Math.max(configured, HEAD_BYTES + (first === null ? 0 : recordBytes(first)));
}
