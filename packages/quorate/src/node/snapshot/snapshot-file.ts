/**
 * The file of a snapshot, open: its bytes stay readable although the snapshot is removed meanwhile. It must be closed,
 * or read to its end.
 */
import type { LogPosition } from '../../core/index.js';
import type { DiskFile } from '../storage/disk.js';

/** One read, and what may wait for a slow reader. */
const PIECE_BYTES = 256 * 1024;

export class SnapshotFile {
  /** The last entry that its state contains. */
  readonly position: LogPosition;
  /** Size of the file. */
  readonly bytes: number;
  readonly #file: DiskFile;
  #closed: Promise<void> | null = null;

  constructor(position: LogPosition, bytes: number, file: DiskFile) {
    this.position = position;
    this.bytes = bytes;
    this.#file = file;
  }

  /** All of the file, piece by piece, and closes it. */
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (let offset = 0; offset < this.bytes; ) {
        const piece = await this.#file.read(offset, Math.min(PIECE_BYTES, this.bytes - offset));
        if (piece.byteLength === 0) throw new Error(`the file of a snapshot has ended at byte ${offset}`);
        offset += piece.byteLength;
        yield piece;
      }
    } finally {
      await this.close();
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#file.close();
    return this.#closed;
  }
}
