/**
 * How one batch of steps stands in a segment. A header can be recognised by itself (so that recovery sees whether
 * anything was written after a bad record), and the payload's checksum is chained to everything before it. Nothing read
 * here is trusted: no length makes us allocate more than the file has.
 *
 * Format 1, numbers big-endian, at a multiple of 64 bytes. Header: magic (4), CRC-32 of the rest of the header (4),
 * payload's length (4), payload's CRC-32 (4), the record's own offset (8), the offset up to which everything was
 * durable before it was written (8), index of its first entry or 0 (8), number of entries (4). Payload: term (8),
 * commit (8), flag and text of the vote, then per entry term (8), kind (1), timestamp (8), flag and id of the proposal
 * (1 or 17), length and bytes of the data (4, n). Zeros follow up to the next multiple of 64. The header's checksum
 * starts from incarnation and segment number: neither the data of a client nor a recycled block can look like a header.
 * The payload's starts from the checksum of the record before, the first one's from the head's.
 */
import { crc32 } from 'node:zlib';
import type { Entry, HardState, ProposalId } from '../../core/index.js';
import { invariant } from '../../errors/index.js';
import { ByteReader } from '../transport/byte-reader.js';
import { ByteWriter } from '../transport/byte-writer.js';
import { MalformedFrame } from '../transport/malformed-frame.js';

export const RECORD_ALIGNMENT = 64;
export const RECORD_HEADER_BYTES = 44;

const MAGIC = 0x51524543; // "QREC"
const CHECKED_FROM = 8;
const STATE_BYTES = 8 + 8 + 1 + 2;
const ENTRY_BYTES = 8 + 1 + 8 + 1 + 4;
const PROPOSAL_BYTES = 16;
const MAX_PAYLOAD_BYTES = 0xffff_ffff;

/** Their places in this list go to disk: only ever append. */
const entryKinds: readonly Entry['kind'][] = ['command', 'no-op', 'configuration'];

/** What becomes durable together. Without entries it says only that everything before it is durable: a seal. */
export interface LogRecord {
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
}

export interface RecordHeader {
  /** Of the record with its padding. */
  readonly bytes: number;
  readonly payloadBytes: number;
  readonly checksum: number;
  readonly durableOffset: number;
  /** 0 when it has no entries. */
  readonly firstIndex: number;
  readonly count: number;
}

/** Where a record stands: what its checksums start from. */
export interface RecordPlace {
  readonly seed: number;
  readonly offset: number;
}

/** What the checksums of all headers in a segment start from. */
export function headerSeed(incarnation: string, segment: number): number {
  return crc32(`${incarnation}/${segment}`);
}

/** The bytes that a record takes in a segment, its padding included. */
export function recordBytes({ hardState, entries }: LogRecord): number {
  let bytes = RECORD_HEADER_BYTES + STATE_BYTES + Buffer.byteLength(hardState.vote ?? '');
  for (const entry of entries) bytes += entryRecordBytes(entry);
  return align(bytes);
}

export function entryRecordBytes(entry: Entry): number {
  return ENTRY_BYTES + (entry.proposal === null ? 0 : PROPOSAL_BYTES) + entry.data.byteLength;
}

/** `previousChecksum` is that of the record before, or of the head. The buffer is for one write. */
export function encodeRecord(
  record: LogRecord,
  { seed, offset, previousChecksum }: RecordPlace & { readonly previousChecksum: number },
): { readonly bytes: Buffer; readonly checksum: number } {
  const writer = new ByteWriter(recordBytes(record));
  writer.uint32(MAGIC);
  for (let field = 0; field < 3; field += 1) writer.uint32(0);
  writer.integer(offset);
  // One write is under way at a time, so all that stands before a record is durable when the record is written.
  writer.integer(offset);
  writer.integer(record.entries[0]?.index ?? 0);
  writer.uint32(record.entries.length);
  writePayload(writer, record);
  const payloadBytes = writer.length - RECORD_HEADER_BYTES;
  invariant(payloadBytes <= MAX_PAYLOAD_BYTES, 'a record is below 4 GiB', { payloadBytes });
  while (writer.length % RECORD_ALIGNMENT !== 0) writer.byte(0);
  const bytes = writer.take();
  const checksum = crc32(bytes.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + payloadBytes), previousChecksum);
  bytes.writeUInt32BE(payloadBytes, 8);
  bytes.writeUInt32BE(checksum, 12);
  bytes.writeUInt32BE(crc32(bytes.subarray(CHECKED_FROM, RECORD_HEADER_BYTES), seed), 4);
  return { bytes, checksum };
}

/** Null when no header of this place stands at `position` of the buffer. */
export function decodeRecordHeader(
  buffer: Buffer,
  position: number,
  { seed, offset }: RecordPlace,
): RecordHeader | null {
  if (buffer.length - position < RECORD_HEADER_BYTES || buffer.readUInt32BE(position) !== MAGIC) return null;
  const header = buffer.subarray(position, position + RECORD_HEADER_BYTES);
  if (crc32(header.subarray(CHECKED_FROM), seed) !== header.readUInt32BE(4)) return null;
  try {
    const reader = new ByteReader(header.subarray(CHECKED_FROM));
    const [payloadBytes, checksum] = [reader.uint32(), reader.uint32()];
    if (reader.integer() !== offset) return null;
    const [durableOffset, firstIndex, count] = [reader.integer(), reader.integer(), reader.uint32()];
    const bytes = align(RECORD_HEADER_BYTES + payloadBytes);
    return { bytes, payloadBytes, checksum, durableOffset, firstIndex, count };
  } catch (error) {
    if (error instanceof MalformedFrame) return null;
    throw error;
  }
}

/**
 * Null when the payload is not the one that the header and the records before it speak of. Throws MalformedFrame when
 * it is, and cannot be understood all the same: no crash writes that.
 */
export function decodeRecordPayload(payload: Buffer, header: RecordHeader, previousChecksum: number): LogRecord | null {
  if (payload.length !== header.payloadBytes || crc32(payload, previousChecksum) !== header.checksum) return null;
  const reader = new ByteReader(payload);
  const [term, commit, voted] = [reader.integer(), reader.integer(), reader.flag()];
  const vote = reader.text();
  if (header.count * ENTRY_BYTES > payload.length) throw new MalformedFrame(`${header.count} entries do not fit`);
  const entries: Entry[] = [];
  for (let place = 0; place < header.count; place += 1) entries.push(readEntry(reader, header.firstIndex + place));
  reader.end();
  return { hardState: { term, vote: voted ? vote : null, commit }, entries };
}

function writePayload(writer: ByteWriter, { hardState, entries }: LogRecord): void {
  writer.integer(hardState.term);
  writer.integer(hardState.commit);
  writer.flag(hardState.vote !== null);
  writer.text(hardState.vote ?? '');
  for (const entry of entries) {
    writer.integer(entry.term);
    writer.byte(entryKinds.indexOf(entry.kind));
    writer.integer(entry.timestampMs);
    writer.flag(entry.proposal !== null);
    if (entry.proposal !== null) {
      writer.integer(entry.proposal.origin);
      writer.integer(entry.proposal.sequence);
    }
    writer.bytes(entry.data);
  }
}

function readEntry(reader: ByteReader, index: number): Entry {
  if (!Number.isSafeInteger(index) || index < 1) throw new MalformedFrame(`an entry has the index ${index}`);
  const term = reader.integer();
  const tag = reader.byte();
  const kind = entryKinds[tag];
  if (kind === undefined) throw new MalformedFrame(`an entry is of kind ${tag}`);
  const timestampMs = reader.integer();
  const proposal: ProposalId | null = reader.flag() ? { origin: reader.integer(), sequence: reader.integer() } : null;
  return { index, term, kind, timestampMs, proposal, data: reader.bytes() };
}

function align(bytes: number): number {
  return Math.ceil(bytes / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;
}
