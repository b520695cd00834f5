/**
 * A snapshot outside of any node: a backup. It is checked as a whole before anything is made of it, and what is made is
 * the beginning of a new history; it must never become part of the one that it was taken from.
 */
import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { DiskFailed, InvariantViolation, QuorateError } from '../../errors/index.js';
import type { Clock } from '../clock.js';
import type { Beginning } from '../identity.js';
import { type DataDirectoryOptions, restoreDirectory } from '../storage/data-directory.js';
import type { Disk } from '../storage/disk.js';
import { SnapshotReader } from './snapshot-reader.js';
import type { Snapshots } from './snapshots.js';

export interface SnapshotSummary {
  /** The last entry that its state contains. */
  readonly index: number;
  readonly term: number;
  /** Of that entry, by the clock of the leader that took it, ms since 1970. */
  readonly timestampMs: number;
  /** Of the cluster that it was taken from. */
  readonly clusterId: string;
  /** Size of the file. */
  readonly bytes: number;
}

const PIECE_BYTES = 256 * 1024;

export interface FilePlace {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly path: string;
}

/** Reads all of the file. Throws SnapshotDamaged, and DiskFailed when it cannot be read. */
export function verifyFile(place: FilePlace): Promise<SnapshotSummary> {
  return reading(place.path, async () => {
    const reader = await SnapshotReader.open({ ...place, directory: dirname(place.path) }, place.path);
    await reader.verify();
    const { position, timestampMs, clusterId } = reader.head;
    const file = await place.disk.open(place.path, 'read');
    try {
      return { ...position, timestampMs, clusterId, bytes: await file.size() };
    } finally {
      await file.close();
    }
  });
}

/**
 * Makes an empty directory one that begins with this file. `onProgress` is told of 0 bytes before anything is written
 * there. Throws as `verifyFile` and `restoreDirectory` do.
 */
export async function restoreFile(
  { disk, clock, path }: FilePlace,
  directory: DataDirectoryOptions,
  onProgress: (bytes: number, total: number) => void,
): Promise<SnapshotSummary> {
  const summary = await verifyFile({ disk, clock, path });
  await restoreDirectory(directory, (openSnapshots) => copy({ disk, path }, openSnapshots, summary, onProgress));
  return summary;
}

/** It is checked again where it arrives: the file may have changed since. */
async function copy(
  { disk, path }: Pick<FilePlace, 'disk' | 'path'>,
  openSnapshots: () => Promise<Snapshots>,
  { index, term, timestampMs, bytes }: SnapshotSummary,
  onProgress: (bytes: number, total: number) => void,
): Promise<Beginning> {
  onProgress(0, bytes);
  const snapshots = await openSnapshots();
  const hash = createHash('sha256');
  const download = await snapshots.receive({ index, term });
  const file = await disk.open(path, 'read');
  try {
    while (download.offset < bytes) {
      const piece = await file.read(download.offset, PIECE_BYTES);
      if (piece.byteLength === 0) break;
      hash.update(piece);
      await download.write(piece);
      onProgress(download.offset, bytes);
    }
  } finally {
    await file.close();
  }
  await snapshots.adopt(download);
  return { index, term, timestampMs, checksum: hash.digest('hex') };
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof QuorateError || error instanceof InvariantViolation) throw error;
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new DiskFailed(`the snapshot ${basename(path)} cannot be read (${reason}): see whether ${path} is there`, {
      cause: error,
    });
  }
}
