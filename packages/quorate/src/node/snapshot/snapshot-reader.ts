/**
 * Reads a snapshot from its file, chunk by chunk. It must never hand out a byte that is not the one that was written,
 * nor let a file pass whose end is missing.
 */
import { SnapshotDamaged } from '../../errors/index.js';
import { nextTurn } from '../clock.js';
import type { DiskFile } from '../storage/disk.js';
import { MalformedFrame } from '../transport/malformed-frame.js';
import { pooledCompression } from './compression.js';
import {
  CHUNK_HEADER_BYTES,
  decodeChunk,
  decodeChunkHeader,
  decodeHead,
  HEAD_START_BYTES,
  headBytes,
  type SnapshotHead,
} from './snapshot-format.js';
import type { SnapshotPlace } from './snapshot-name.js';

export class SnapshotReader {
  readonly head: SnapshotHead;
  readonly #place: SnapshotPlace;
  readonly #path: string;
  readonly #start: { readonly offset: number; readonly checksum: number };

  private constructor(
    place: SnapshotPlace,
    path: string,
    head: SnapshotHead,
    start: { offset: number; checksum: number },
  ) {
    this.#place = place;
    this.#path = path;
    this.head = head;
    this.#start = start;
  }

  /** Throws SnapshotDamaged when the head cannot be read. */
  static async open(place: SnapshotPlace, path: string): Promise<SnapshotReader> {
    const file = await place.disk.open(path, 'read');
    try {
      const start = await read(file, 0, HEAD_START_BYTES);
      const bytes = start === null ? null : headBytes(start);
      const whole = bytes === null ? null : await read(file, 0, bytes);
      const decoded = whole === null ? null : decodeHead(whole);
      if (decoded === null || bytes === null) throw new SnapshotDamaged({ path, offset: 0 });
      return new SnapshotReader(place, path, decoded.value, { offset: bytes, checksum: decoded.checksum });
    } catch (cause) {
      if (cause instanceof MalformedFrame) throw new SnapshotDamaged({ path, offset: 0 }, { cause });
      throw cause;
    } finally {
      await file.close();
    }
  }

  /**
   * The state, in the pieces in which it was written. Throws SnapshotDamaged where it is not what was written, and the
   * reason of `signal` at the next piece.
   */
  async *chunks(signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    const { disk, clock, compression = pooledCompression } = this.#place;
    const file = await disk.open(this.#path, 'read');
    try {
      let { offset, checksum } = this.#start;
      for (;;) {
        signal?.throwIfAborted();
        const header = await read(file, offset, CHUNK_HEADER_BYTES);
        const lengths = header === null ? null : decodeChunkHeader(header);
        const compressed =
          lengths === null ? null : await read(file, offset + CHUNK_HEADER_BYTES, lengths.compressedBytes);
        const chunk =
          header === null || compressed === null
            ? null
            : await decodeChunk({ header, compressed }, checksum, compression);
        if (chunk === null || compressed === null) throw new SnapshotDamaged({ path: this.#path, offset });
        offset += CHUNK_HEADER_BYTES + compressed.length;
        if (chunk.value.length === 0) break;
        checksum = chunk.checksum;
        yield chunk.value;
        await nextTurn(clock);
      }
      if ((await file.size()) !== offset) throw new SnapshotDamaged({ path: this.#path, offset });
    } finally {
      await file.close();
    }
  }

  /** Reads all of it. Throws as `chunks` does. */
  async verify(signal?: AbortSignal): Promise<void> {
    for await (const chunk of this.chunks(signal)) void chunk;
  }
}

/** Null when the file ends before. */
async function read(file: DiskFile, offset: number, length: number): Promise<Buffer | null> {
  const bytes = await file.read(offset, length);
  return bytes.byteLength < length ? null : Buffer.from(bytes.buffer, bytes.byteOffset, length);
}
