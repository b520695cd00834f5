/**
 * Reads a log back: every record that was acknowledged, and where the next segment has to go on. A bad record that
 * anything later names as durable is damage, and the log is refused; only what nothing names can be a torn write, which
 * is cut off. It must never take the one for the other, and changes nothing on disk.
 */
import { type Entry, FROM_THE_BEGINNING, type HardState, type LogPosition, type LogStart } from '../../core/index.js';
import { IdentityMismatch, invariant, LogDamaged } from '../../errors/index.js';
import { MalformedFrame } from '../transport/malformed-frame.js';
import type { RecoveredLog } from './log-storage.js';
import { EMPTY_TAIL, type LogTail, tailAfter } from './log-tail.js';
import { OlderSegments } from './older-segments.js';
import { decodeRecordPayload, type LogRecord, RECORD_HEADER_BYTES, type RecordHeader } from './record.js';
import type { SegmentPlace } from './segment.js';
import { HEAD_BYTES, type SegmentEnd, type SegmentHead, segmentName } from './segment-head.js';
import { SegmentReader } from './segment-reader.js';

export interface LogIdentity {
  readonly clusterId: string;
  /** Of the data directory. */
  readonly incarnation: string;
}

/**
 * The log up to the record that nothing names yet, and that record: it has to be written again before anything is built
 * on it.
 */
export interface Recovery {
  readonly recovered: RecoveredLog;
  /** The newest durable snapshot that the log knows of. */
  readonly snapshot: LogPosition;
  /** All segments but the newest. */
  readonly older: OlderSegments;
  /** Of the newest segment; 0 when there is none. */
  readonly lastNumber: number;
  /** Up to here the newest segment is certainly durable. */
  readonly end: SegmentEnd;
  /** At `end`. */
  readonly tail: LogTail;
  /**
   * What stands behind `end`. It may have been acknowledged, so it counts; or it may never have reached the drive (the
   * system can still show pages that it failed to write), so it must not be relied on where it is.
   */
  readonly unnamed: LogRecord | null;
}

/** `numbers`: of the segments in the directory, without gaps. Throws LogDamaged or IdentityMismatch. */
export async function recover(
  place: SegmentPlace,
  numbers: readonly number[],
  identity: LogIdentity,
): Promise<Recovery> {
  const log = new RecoveringLog();
  const [first = 0, count = 0] = [numbers[0], numbers.at(-1)];
  let torn: RecoveredLog['torn'] = null;
  let reader = first === 0 ? null : await SegmentReader.open(place, first);
  if (reader === null && first > 0) throw new LogDamaged({ segment: segmentName(first), offset: 0, index: 1 });
  if (reader !== null && first > 1) log.beginAt(reader.head);
  while (reader !== null) {
    let next: SegmentReader | null = null;
    try {
      checkIdentity(reader.head, identity, place.directory);
      const { number } = reader.head;
      if (number < count) next = await SegmentReader.open(place, number + 1);
      await log.read(reader, next?.head ?? null);
      if (next !== null) log.older.add({ number, bytes: reader.size, lastIndex: next.head.previous.index });
      if (number < count && next === null) {
        throw new LogDamaged({ segment: segmentName(number + 1), offset: 0, index: log.tail.last.index + 1 });
      }
      if (next === null) torn = await inspectEnd(reader, log);
    } catch (error) {
      await next?.close();
      throw error;
    } finally {
      await reader.close();
    }
    reader = next;
  }
  const { start, entries, snapshot, older } = log;
  // What was cut off is in a snapshot, and the log says so: otherwise somebody took the files away.
  if (log.startIsLost || start.index > snapshot.index)
    throw new LogDamaged({ segment: segmentName(first - 1), offset: 0, index: 1 });
  const recovered = { hardState: log.tail.hardState, start, entries, torn };
  return { recovered, snapshot, older, lastNumber: count, ...log.named, unnamed: log.last };
}

function checkIdentity(head: SegmentHead, { clusterId, incarnation }: LogIdentity, directory: string): void {
  if (head.clusterId === clusterId && head.incarnation === incarnation) return;
  const whose = head.clusterId === clusterId ? 'another disk' : `another cluster, ${head.clusterId}`;
  throw new IdentityMismatch(
    `the log in ${directory} was written by ${whose}: put back the directory as it was, or give this node ` +
      'one of its own',
  );
}

/** Where the records of the newest segment end: cleanly, in a torn write, or in damage. */
async function inspectEnd(reader: SegmentReader, log: RecoveringLog): Promise<RecoveredLog['torn']> {
  const { offset } = log.end;
  const { written, named } = await reader.inspectRest(offset);
  if (named || reader.isCutShort) throw await log.damageAt(reader, offset);
  return written ? { segment: reader.name, offset } : null;
}

function isSameHardState(a: HardState, b: HardState): boolean {
  return a.term === b.term && a.vote === b.vote && a.commit === b.commit;
}

/** The log as far as it was read. */
class RecoveringLog {
  start: LogStart = FROM_THE_BEGINNING;
  /**
   * The entry at the start was superseded: a crash came between the removals of segments, and this one was to go, too.
   * The log begins with the next one.
   */
  startIsLost = false;
  readonly entries: Entry[] = [];
  readonly older = new OlderSegments();
  /** As the last segment names it. */
  snapshot: LogPosition = { index: 0, term: 0 };
  tail: LogTail = EMPTY_TAIL;
  /** Behind the last record. */
  end: SegmentEnd = { offset: 0, checksum: 0 };
  /** Before the last record of the newest segment. */
  named: { readonly end: SegmentEnd; readonly tail: LogTail } = { end: this.end, tail: EMPTY_TAIL };
  /** The last record of the newest segment. */
  last: LogRecord | null = null;

  /** Nothing before this segment is there, or counts. */
  beginAt({ hardState, previous }: SegmentHead): void {
    this.start = previous;
    this.startIsLost = false;
    this.entries.length = 0;
    this.tail = { hardState, last: previous };
  }

  /** Reads all records of a segment: up to the end that the next one names, or as far as they are valid. */
  async read(reader: SegmentReader, next: SegmentHead | null): Promise<void> {
    const { hardState, previous, snapshot } = reader.head;
    if (reader.head.restarts || this.startIsLost) this.beginAt(reader.head);
    invariant(
      isSameHardState(hardState, this.tail.hardState) && previous.index === this.tail.last.index,
      'a segment goes on where the one before it ends',
      { segment: reader.name, hardState, previous, tail: this.tail },
    );
    this.snapshot = snapshot;
    this.end = { offset: HEAD_BYTES, checksum: reader.checksum };
    this.named = { end: this.end, tail: this.tail };
    this.last = null;
    const stop = next?.previousEnd.offset ?? Number.POSITIVE_INFINITY;
    while (this.end.offset < stop) {
      const header = await reader.header(this.end.offset);
      const record = header === null ? null : await this.#record(reader, header);
      if (header === null || record === null) break;
      this.named = { end: this.end, tail: this.tail };
      this.#apply(record);
      this.end = { offset: this.end.offset + header.bytes, checksum: header.checksum };
    }
    if (next === null) return;
    const { offset, checksum } = next.previousEnd;
    if (this.end.offset === offset && this.end.checksum === checksum) return;
    throw await this.damageAt(reader, this.end.offset);
  }

  async damageAt(reader: SegmentReader, offset: number): Promise<LogDamaged> {
    const header = await reader.header(offset);
    const next = this.tail.last.index + 1;
    const index = header === null || header.firstIndex === 0 ? next : Math.min(header.firstIndex, next);
    return new LogDamaged({ segment: reader.name, offset, index });
  }

  async #record(reader: SegmentReader, header: RecordHeader): Promise<LogRecord | null> {
    const { offset, checksum } = this.end;
    const payload = await reader.bytes(offset + RECORD_HEADER_BYTES, header.payloadBytes);
    try {
      return payload === null ? null : decodeRecordPayload(payload, header, checksum);
    } catch (error) {
      if (error instanceof MalformedFrame) throw await this.damageAt(reader, offset);
      throw error;
    }
  }

  #apply(record: LogRecord): void {
    this.tail = tailAfter(this.tail, record);
    const first = record.entries[0];
    if (first !== undefined) {
      this.older.supersede(first.index);
      this.startIsLost ||= first.index <= this.start.index;
      this.entries.length = Math.max(0, first.index - 1 - this.start.index);
    }
    if (!this.startIsLost) for (const entry of record.entries) this.entries.push(entry);
    this.last = record;
  }
}
