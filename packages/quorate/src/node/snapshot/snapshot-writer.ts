/**
 * Writes a snapshot aside, chunk by chunk, and gives it its name only when all of it is durable and was read back. It
 * must never leave a file under a snapshot's name that is not whole, and a failure leaves nothing but the error.
 */
import { join } from 'node:path';
import { invariant } from '../../errors/index.js';
import { nextTurn } from '../clock.js';
import type { DiskFile } from '../storage/disk.js';
import { pooledCompression } from './compression.js';
import { encodeChunk, encodeHead, MAX_CHUNK_BYTES, type SnapshotHead } from './snapshot-format.js';
import { type SnapshotPlace, snapshotName, temporaryName } from './snapshot-name.js';
import { SnapshotReader } from './snapshot-reader.js';

/** Chunks are written together up to so many bytes. */
const WRITE_BYTES = 1024 * 1024;

/** `open` takes chunks; `closed`: its file is; `over`: it has its name, or was given up. */
type State = 'open' | 'closed' | 'over';

export class SnapshotWriter {
  readonly #place: SnapshotPlace;
  readonly #head: SnapshotHead;
  readonly #file: DiskFile;
  #state: State = 'open';
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #offset = 0;
  #checksum: number;

  private constructor(place: SnapshotPlace, head: SnapshotHead, file: DiskFile) {
    this.#place = place;
    this.#head = head;
    this.#file = file;
    const { value, checksum } = encodeHead(head);
    this.#checksum = checksum;
    this.#push(value);
  }

  /** An older file that was not finished is replaced. */
  static async create(place: SnapshotPlace, head: SnapshotHead): Promise<SnapshotWriter> {
    const file = await place.disk.open(join(place.directory, temporaryName(head.position)), 'create');
    return new SnapshotWriter(place, head, file);
  }

  /** Adds to the state. Resolves when there is room for more. */
  async write(state: Uint8Array): Promise<void> {
    invariant(this.#state === 'open', 'a snapshot is written until it has its end', { state: this.#state });
    for (let start = 0; start < state.byteLength; start += MAX_CHUNK_BYTES) {
      await this.#chunk(state.subarray(start, start + MAX_CHUNK_BYTES));
      if (this.#waitingBytes >= WRITE_BYTES) await this.#flush();
      else await nextTurn(this.#place.clock);
    }
  }

  /**
   * Makes it durable, reads it back, and gives it its name. Returns the bytes of the file. Throws SnapshotDamaged, the
   * error of the disk, and the reason of `signal` while it reads.
   */
  async commit(signal?: AbortSignal): Promise<number> {
    invariant(this.#state === 'open', 'a snapshot is committed once', { state: this.#state });
    const { disk, directory } = this.#place;
    const { position } = this.#head;
    await this.#chunk(new Uint8Array(0));
    await this.#flush();
    await this.#file.sync();
    this.#state = 'closed';
    await this.#file.close();
    const temporary = join(directory, temporaryName(position));
    const written = await SnapshotReader.open(this.#place, temporary);
    await written.verify(signal);
    await disk.rename(temporary, join(directory, snapshotName(position)));
    await disk.syncDirectory(directory);
    this.#state = 'over';
    return this.#offset;
  }

  /** Gives it up: nothing of it stays. */
  async discard(): Promise<void> {
    const { disk, directory } = this.#place;
    const was = this.#state;
    this.#state = 'over';
    if (was === 'over') return;
    if (was === 'open') await this.#file.close();
    await disk.remove(join(directory, temporaryName(this.#head.position)));
  }

  async #chunk(state: Uint8Array): Promise<void> {
    const { compression = pooledCompression } = this.#place;
    const { value, checksum } = await encodeChunk(state, this.#checksum, compression);
    this.#checksum = checksum;
    this.#push(value);
  }

  #push(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    const at = this.#offset;
    this.#offset += bytes.length;
    await this.#file.write(bytes, at);
  }
}
