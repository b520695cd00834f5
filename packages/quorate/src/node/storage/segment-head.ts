/**
 * The first 4 KiB of every segment: whose it is, what the node must not forget, and where the segment before it ends. A
 * head is durable before its segment has its name, so one that cannot be read is damage, never the trace of a crash.
 *
 * Format 2, numbers big-endian: magic (4), CRC-32 of everything after it (4), format version (4), segment number (8),
 * bytes that were allocated for the segment (8), term (8), commit (8), newest durable snapshot's index and term (8, 8),
 * index of the entry before the segment (8), end of the previous segment: offset (8) and checksum (4); flag and text of
 * the vote, texts of cluster id and incarnation; term (8) and timestamp (8) of the entry before the segment, and a
 * flag: the log begins anew here; zeros. Format 1 has zeros from the incarnation on, for its logs were never cut.
 */
import { crc32 } from 'node:zlib';
import type { HardState, LogPosition, LogStart } from '../../core/index.js';
import { DiskFailed, invariant } from '../../errors/index.js';
import { ByteReader } from '../transport/byte-reader.js';
import { ByteWriter } from '../transport/byte-writer.js';
import { MalformedFrame } from '../transport/malformed-frame.js';

/** Version of heads and records together. */
export const LOG_FORMAT_VERSION = 2;
const OLDEST_FORMAT_VERSION = 1;

/** Where the records of a segment begin. */
export const HEAD_BYTES = 4096;

const MAGIC = 0x514c4f47; // "QLOG"
const CHECKED_FROM = 8;

/** A place between two records, and the chained checksum of everything before it in the segment. */
export interface SegmentEnd {
  readonly offset: number;
  readonly checksum: number;
}

export interface SegmentHead {
  /** Counts from 1 without gaps. */
  readonly number: number;
  /**
   * What was allocated. While the segment is the newest, its file has this size; afterwards it may be cut at its end.
   */
  readonly bytes: number;
  readonly clusterId: string;
  readonly incarnation: string;
  /** As it was before the first record of the segment. */
  readonly hardState: HardState;
  /** The newest snapshot that was durable; (0, 0) for none. */
  readonly snapshot: LogPosition;
  /** The last entry of the log before the first record of the segment. */
  readonly previous: LogStart;
  /** Nothing in an earlier segment counts: the log was replaced by the snapshot that ends at `previous`. */
  readonly restarts: boolean;
  /** Everything before this place in the previous segment was durable; what is behind it does not count. */
  readonly previousEnd: SegmentEnd;
}

/** File name of a segment: its number in 16 digits, so that names sort like numbers. */
export function segmentName(number: number): string {
  return `${String(number).padStart(16, '0')}.log`;
}

/** The number in a file name, null when it is not the name of a segment. */
export function segmentNumber(name: string): number | null {
  const number = /^\d{16}\.log$/.test(name) ? Number.parseInt(name, 10) : 0;
  return number > 0 && Number.isSafeInteger(number) ? number : null;
}

export function encodeSegmentHead(head: SegmentHead): { readonly bytes: Buffer; readonly checksum: number } {
  const writer = new ByteWriter(HEAD_BYTES);
  writer.uint32(MAGIC);
  writer.uint32(0);
  writer.uint32(LOG_FORMAT_VERSION);
  writer.integer(head.number);
  writer.integer(head.bytes);
  writer.integer(head.hardState.term);
  writer.integer(head.hardState.commit);
  writer.integer(head.snapshot.index);
  writer.integer(head.snapshot.term);
  writer.integer(head.previous.index);
  writer.integer(head.previousEnd.offset);
  writer.uint32(head.previousEnd.checksum);
  writer.flag(head.hardState.vote !== null);
  writer.text(head.hardState.vote ?? '');
  writer.text(head.clusterId);
  writer.text(head.incarnation);
  writer.integer(head.previous.term);
  writer.integer(head.previous.timestampMs);
  writer.flag(head.restarts);
  invariant(writer.length <= HEAD_BYTES, 'the head of a segment fits its place', { bytes: writer.length });
  const bytes = Buffer.alloc(HEAD_BYTES);
  writer.take().copy(bytes);
  const checksum = crc32(bytes.subarray(CHECKED_FROM));
  bytes.writeUInt32BE(checksum, 4);
  return { bytes, checksum };
}

/**
 * Null when the bytes are not a head that was written as a whole. Throws DiskFailed when it is one of another format:
 * that is not damage, and a newer release can read it.
 */
export function decodeSegmentHead(bytes: Uint8Array): { readonly head: SegmentHead; readonly checksum: number } | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length !== HEAD_BYTES || buffer.readUInt32BE(0) !== MAGIC) return null;
  const checksum = buffer.readUInt32BE(4);
  if (crc32(buffer.subarray(CHECKED_FROM)) !== checksum) return null;
  const reader = new ByteReader(buffer.subarray(CHECKED_FROM));
  const version = reader.uint32();
  if (version < OLDEST_FORMAT_VERSION || version > LOG_FORMAT_VERSION) {
    throw new DiskFailed(
      `the log has format ${version} and this release reads formats ${OLDEST_FORMAT_VERSION} to ` +
        `${LOG_FORMAT_VERSION}: start the release that wrote it, or a newer one`,
    );
  }
  try {
    return { head: readHead(reader), checksum };
  } catch (error) {
    if (error instanceof MalformedFrame) return null;
    throw error;
  }
}

function readHead(reader: ByteReader): SegmentHead {
  const [number, bytes] = [reader.integer(), reader.integer()];
  const [term, commit] = [reader.integer(), reader.integer()];
  const snapshot = { index: reader.integer(), term: reader.integer() };
  const previousIndex = reader.integer();
  const previousEnd = { offset: reader.integer(), checksum: reader.uint32() };
  const voted = reader.flag();
  const vote = reader.text();
  const identity = { clusterId: reader.text(), incarnation: reader.text() };
  const previous = { index: previousIndex, term: reader.integer(), timestampMs: reader.integer() };
  const hardState = { term, vote: voted ? vote : null, commit };
  return { ...identity, number, bytes, hardState, snapshot, previous, restarts: reader.flag(), previousEnd };
}
