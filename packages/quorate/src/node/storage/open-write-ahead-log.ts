/**
 * Opens a log: recovers it, and begins a new segment that says where the one before it ends. So a torn end is cut
 * without touching the file it is in, and nothing that another process may have left half-written is ever written to
 * again.
 */
import { join } from 'node:path';
import type { LogStart } from '../../core/index.js';
import { checkInteger, DiskFailed, InvariantViolation, LogDamaged, QuorateError } from '../../errors/index.js';
import type { Clock } from '../clock.js';
import type { EventChannel } from '../event-channel.js';
import type { Logger } from '../logger.js';
import type { LogEvent } from '../node-events.js';
import type { Disk } from './disk.js';
import type { LogStorage, RecoveredLog } from './log-storage.js';
import { tailAfter } from './log-tail.js';
import { OlderSegments } from './older-segments.js';
import { type LogIdentity, type Recovery, recover } from './recovery.js';
import { allocate, Segment, type SegmentPlace, segmentBytes } from './segment.js';
import { segmentName, segmentNumber } from './segment-head.js';
import { WriteAheadLog, type WriteAheadLogParts } from './write-ahead-log.js';

export interface WriteAheadLogOptions extends LogIdentity {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Path of the folder for the segments; made when it is missing. */
  readonly directory: string;
  /** True when this directory has had a log before: none at all is damage then. Default false. */
  readonly mustExist?: boolean | undefined;
  /** A log that begins now begins behind this position, whose snapshot is durable. Default: from the beginning. */
  readonly beginning?: LogStart | null | undefined;
  /** Bytes of a segment, 8,192 to 1,073,741,824; default 16 MiB. A record that is larger gets a segment of its size. */
  readonly segmentBytes?: number | undefined;
  /** A record takes further steps while it stays below, 1 to 67,108,864 bytes; default 4 MiB. */
  readonly maxBatchBytes?: number | undefined;
  /** More bytes of entries than this waiting for the disk end the log, 1 or more; default 512 MiB. */
  readonly maxWaitingBytes?: number | undefined;
  /** An idle log is sealed after this time, 1 to 100 ms; default 50, so that the seal is durable within 100 ms. */
  readonly sealAfterMs?: number | undefined;
  /** Told of every write that is durable. Default none. */
  readonly events?: EventChannel<LogEvent> | undefined;
}

const MIB = 1024 * 1024;

/**
 * Throws InvalidArgument, LogDamaged (segment, offset, first index that cannot be read), IdentityMismatch (another
 * cluster or disk) or DiskFailed. Of the directory it must be the only user; see `DirectoryLock`.
 */
export async function openWriteAheadLog(
  options: WriteAheadLogOptions,
): Promise<{ readonly log: LogStorage; readonly recovered: RecoveredLog }> {
  const { disk, directory, clusterId, incarnation, logger } = options;
  const parts: WriteAheadLogParts = {
    place: { disk, directory },
    identity: { clusterId, incarnation },
    ...{ clock: options.clock, logger, events: options.events ?? null },
    segmentBytes: checkInteger('segmentBytes', options.segmentBytes ?? 16 * MIB, 8192, 1024 * MIB),
    maxBatchBytes: checkInteger('maxBatchBytes', options.maxBatchBytes ?? 4 * MIB, 1, 64 * MIB),
    maxWaitingBytes: checkInteger('maxWaitingBytes', options.maxWaitingBytes ?? 512 * MIB, 1, Number.MAX_SAFE_INTEGER),
    sealAfterMs: checkInteger('sealAfterMs', options.sealAfterMs ?? 50, 1, 100),
  };
  try {
    const numbers = await findSegments(parts.place, options.mustExist ?? false);
    const { beginning = null } = options;
    const begins = numbers.length === 0 && beginning !== null;
    const recovery = begins ? beginningBehind(beginning) : await recover(parts.place, numbers, parts.identity);
    const { torn } = recovery.recovered;
    if (torn !== null)
      logger.warn({ ...torn }, 'a write that was cut short, and not acknowledged, was taken off the log');
    return { log: await beginSegment(parts, recovery), recovered: recovery.recovered };
  } catch (error) {
    if (error instanceof QuorateError || error instanceof InvariantViolation) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DiskFailed(
      `the log in ${directory} cannot be opened (${reason}): make the directory readable and writable, with free space`,
      { cause: error },
    );
  }
}

/** Clears away what is no segment yet. Resolves to the numbers of those that are. */
async function findSegments({ disk, directory }: SegmentPlace, mustExist: boolean): Promise<readonly number[]> {
  await disk.makeDirectory(directory);
  const names = await disk.list(directory);
  for (const name of names) {
    if (name.endsWith('.log.tmp')) await disk.remove(join(directory, name));
  }
  // A process can end between a rename and this: what is seen here has to be durable before anything is built on it.
  await disk.syncDirectory(directory);
  const numbers = names.map(segmentNumber).filter((number) => number !== null);
  const first = numbers[0] ?? 1;
  const missing = numbers.findIndex((number, i) => number !== first + i);
  if (missing >= 0 || (mustExist && numbers.length === 0)) {
    throw new LogDamaged({ segment: segmentName(first + Math.max(missing, 0)), offset: 0, index: 1 });
  }
  return numbers;
}

/** As if a log had been cut there: what is in the snapshot is committed, and nobody was voted for yet. */
function beginningBehind({ index, term, timestampMs }: LogStart): Recovery {
  const start = { index, term, timestampMs };
  const hardState = { term, vote: null, commit: index };
  return {
    recovered: { hardState, start, entries: [], torn: null },
    snapshot: { index, term },
    older: new OlderSegments(),
    lastNumber: 0,
    end: { offset: 0, checksum: 0 },
    tail: { hardState, last: start },
    unnamed: null,
  };
}

async function beginSegment(parts: WriteAheadLogParts, recovery: Recovery): Promise<WriteAheadLog> {
  const { place, identity } = parts;
  const { lastNumber, end, tail, unnamed, snapshot, older } = recovery;
  const number = lastNumber + 1;
  const bytes = segmentBytes(parts.segmentBytes, unnamed);
  const { signal } = new AbortController();
  const allocation = await allocate(place, { number, bytes, signal });
  if (lastNumber > 0) older.add({ number: lastNumber, bytes: end.offset, lastIndex: tail.last.index });
  if (unnamed?.entries[0] !== undefined) older.supersede(unnamed.entries[0].index);
  const previous = { previous: tail.last, previousEnd: end, restarts: lastNumber === 0 && tail.last.index > 0 };
  const head = { ...identity, number, hardState: tail.hardState, snapshot, ...previous };
  const segment = await Segment.create(place, allocation, { head, carried: unnamed, signal });
  try {
    if (lastNumber > 0) await giveBackSpace(place, lastNumber, end.offset);
  } catch (error) {
    await segment.close();
    throw error;
  }
  const durable = unnamed === null ? tail : tailAfter(tail, unnamed);
  return new WriteAheadLog(parts, { segment, durable, unsealed: unnamed !== null, snapshot, older });
}

/** The new segment names the end of this one, so nobody reads on behind it. */
async function giveBackSpace({ disk, directory }: SegmentPlace, number: number, end: number): Promise<void> {
  const file = await disk.open(join(directory, segmentName(number)), 'open');
  try {
    if ((await file.size()) > end) await file.truncate(end);
  } finally {
    await file.close();
  }
}
