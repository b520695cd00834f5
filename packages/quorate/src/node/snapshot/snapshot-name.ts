/**
 * Where snapshots are, and what their files are called: index and term, so that names sort by age. A file that is being
 * written must never have the name of a finished one.
 */
import type { LogPosition } from '../../core/index.js';
import type { Clock } from '../clock.js';
import type { Disk } from '../storage/disk.js';
import type { Compression } from './compression.js';

/** Where the snapshots are. */
export interface SnapshotPlace {
  readonly disk: Disk;
  /** Path of the folder. */
  readonly directory: string;
  /** For turns of the loop between chunks. */
  readonly clock: Pick<Clock, 'defer'>;
  /** Default: in the thread pool. */
  readonly compression?: Compression | undefined;
}

const NAME = /^(\d{16})-(\d{16})\.snapshot$/;

export function snapshotName({ index, term }: LogPosition): string {
  return `${pad(index)}-${pad(term)}.snapshot`;
}

/** While it is being written. */
export function temporaryName(position: LogPosition): string {
  return `${snapshotName(position)}.tmp`;
}

/** While it comes from another node. */
export function receivedName(position: LogPosition): string {
  return `${snapshotName(position)}.received.tmp`;
}

export function isTemporary(name: string): boolean {
  return name.endsWith('.tmp');
}

/** What the file of this name is a snapshot of; null when it is none. */
export function snapshotPosition(name: string): LogPosition | null {
  const match = NAME.exec(name);
  return match === null ? null : { index: Number(match[1]), term: Number(match[2]) };
}

function pad(number: number): string {
  return String(number).padStart(16, '0');
}
