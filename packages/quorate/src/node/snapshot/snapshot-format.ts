/**
 * How a snapshot stands in its file: a head that says of what, compressed chunks of the state, and an end. Nothing read
 * here is trusted; a bit that has changed, a chunk that is missing or in another place, and a missing end are all
 * found.
 *
 * Format 1, numbers big-endian. Head: magic (4), CRC-32 of what follows in the head (4), version (4), bytes of the head
 * (4), index (8), term (8), timestamp of that entry (8), text of the cluster id, three lists of members (count (2),
 * texts). Chunk: bytes of the state in it (4), compressed bytes (4), checksum (4), compressed bytes. The end is a chunk
 * with nothing in it. Each checksum is a CRC-32 of its chunk that starts from the one before, the first from the
 * head's.
 */
import { crc32 } from 'node:zlib';
import type { Configuration, LogPosition } from '../../core/index.js';
import { ByteReader } from '../transport/byte-reader.js';
import { ByteWriter } from '../transport/byte-writer.js';
import { MalformedFrame } from '../transport/malformed-frame.js';
import type { Compression } from './compression.js';

export const SNAPSHOT_FORMAT_VERSION = 1;

/** What is read first: enough to know how long the head is. */
export const HEAD_START_BYTES = 16;
export const CHUNK_HEADER_BYTES = 12;
/** The most of the state in one chunk: so much is made and checked in far less than a millisecond. */
export const MAX_CHUNK_BYTES = 64 * 1024;

const MAGIC = 0x51534e50; // "QSNP"
const CHECKED_FROM = 8;
const MAX_HEAD_BYTES = 1024 * 1024;

/** What a snapshot is of. */
export interface SnapshotHead {
  /** The last entry that its state contains. */
  readonly position: LogPosition;
  /** Of that entry; timestamps never go back behind it. */
  readonly timestampMs: number;
  readonly clusterId: string;
  /** As of that entry. */
  readonly configuration: Configuration;
}

export interface ChunkHeader {
  readonly stateBytes: number;
  readonly compressedBytes: number;
  readonly checksum: number;
}

export interface Checked<T> {
  readonly value: T;
  /** What the next checksum starts from. */
  readonly checksum: number;
}

export function encodeHead(head: SnapshotHead): Checked<Buffer> {
  const { position, timestampMs, clusterId, configuration } = head;
  const writer = new ByteWriter(256);
  writer.uint32(MAGIC);
  writer.uint32(0);
  writer.uint32(SNAPSHOT_FORMAT_VERSION);
  writer.uint32(0);
  writer.integer(position.index);
  writer.integer(position.term);
  writer.integer(timestampMs);
  writer.text(clusterId);
  for (const names of [configuration.voters, configuration.outgoing, configuration.learners]) {
    writer.uint16(names.length);
    for (const name of names) writer.text(name);
  }
  writer.patchUint32(12, writer.length);
  const bytes = writer.take();
  const checksum = crc32(bytes.subarray(CHECKED_FROM));
  bytes.writeUInt32BE(checksum, 4);
  return { value: bytes, checksum };
}

/** The bytes of the head that begins so; null when none does. Throws MalformedFrame for a version of the future. */
export function headBytes(start: Buffer): number | null {
  if (start.length < HEAD_START_BYTES || start.readUInt32BE(0) !== MAGIC) return null;
  const version = start.readUInt32BE(8);
  if (version !== SNAPSHOT_FORMAT_VERSION) throw new MalformedFrame(`the snapshot is of format ${version}`);
  const bytes = start.readUInt32BE(12);
  return bytes >= HEAD_START_BYTES && bytes <= MAX_HEAD_BYTES ? bytes : null;
}

/** Null when it is not what was written. */
export function decodeHead(bytes: Buffer): Checked<SnapshotHead> | null {
  const checksum = crc32(bytes.subarray(CHECKED_FROM));
  if (checksum !== bytes.readUInt32BE(4)) return null;
  const reader = new ByteReader(bytes.subarray(HEAD_START_BYTES));
  const position = { index: reader.integer(), term: reader.integer() };
  const timestampMs = reader.integer();
  const clusterId = reader.text();
  const names = () => Array.from({ length: reader.uint16() }, () => reader.text());
  const [voters, outgoing, learners] = [names(), names(), names()];
  reader.end();
  return { value: { position, timestampMs, clusterId, configuration: { voters, outgoing, learners } }, checksum };
}

/** `previous`: the checksum before. An empty `state` is the end. */
export async function encodeChunk(
  state: Uint8Array,
  previous: number,
  compression: Compression,
): Promise<Checked<Buffer>> {
  const compressed = state.byteLength === 0 ? Buffer.alloc(0) : await compression.deflate(state);
  const bytes = Buffer.allocUnsafe(CHUNK_HEADER_BYTES + compressed.length);
  bytes.writeUInt32BE(state.byteLength, 0);
  bytes.writeUInt32BE(compressed.length, 4);
  compressed.copy(bytes, CHUNK_HEADER_BYTES);
  const checksum = chunkChecksum(bytes.subarray(0, 8), compressed, previous);
  bytes.writeUInt32BE(checksum, 8);
  return { value: bytes, checksum };
}

/** Null when the lengths are not those of a chunk. */
export function decodeChunkHeader(bytes: Buffer): ChunkHeader | null {
  if (bytes.length < CHUNK_HEADER_BYTES) return null;
  const [stateBytes, compressedBytes] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
  // What cannot be compressed grows by a few bytes.
  const isPossible = stateBytes <= MAX_CHUNK_BYTES && compressedBytes <= MAX_CHUNK_BYTES + 1024;
  return isPossible ? { stateBytes, compressedBytes, checksum: bytes.readUInt32BE(8) } : null;
}

/** The state in a chunk; null when it is not what was written. */
export async function decodeChunk(
  { header, compressed }: { readonly header: Buffer; readonly compressed: Buffer },
  previous: number,
  compression: Compression,
): Promise<Checked<Buffer> | null> {
  const decoded = decodeChunkHeader(header);
  if (decoded === null || compressed.length !== decoded.compressedBytes) return null;
  const checksum = chunkChecksum(header.subarray(0, 8), compressed, previous);
  if (checksum !== decoded.checksum) return null;
  const { stateBytes } = decoded;
  const value = stateBytes === 0 ? Buffer.alloc(0) : await compression.inflate(compressed, stateBytes);
  return value.length === stateBytes ? { value, checksum } : null;
}

function chunkChecksum(lengths: Buffer, compressed: Buffer, previous: number): number {
  const checksum = crc32(lengths, previous);
  // Of no bytes, zlib gives one checksum or another, depending on where they are not.
  return compressed.length === 0 ? checksum : crc32(compressed, checksum);
}
