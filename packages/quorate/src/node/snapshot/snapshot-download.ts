/**
 * A snapshot that comes from another node, piece by piece, into a file aside. It must never have the name of a snapshot
 * before all of it is durable and was checked: another node is trusted no more than the disk.
 */
import { join } from 'node:path';
import type { LogPosition } from '../../core/index.js';
import { invariant, SnapshotDamaged } from '../../errors/index.js';
import type { DiskFile } from '../storage/disk.js';
import { receivedName, type SnapshotPlace, snapshotName } from './snapshot-name.js';
import { SnapshotReader } from './snapshot-reader.js';

export class SnapshotDownload {
  readonly position: LogPosition;
  readonly #place: SnapshotPlace;
  readonly #file: DiskFile;
  #offset = 0;
  #open = true;

  private constructor(place: SnapshotPlace, position: LogPosition, file: DiskFile) {
    this.#place = place;
    this.position = position;
    this.#file = file;
  }

  static async create(place: SnapshotPlace, position: LogPosition): Promise<SnapshotDownload> {
    const file = await place.disk.open(join(place.directory, receivedName(position)), 'create');
    return new SnapshotDownload(place, position, file);
  }

  /** So many bytes are there. */
  get offset(): number {
    return this.#offset;
  }

  /** Adds what follows. Resolves when there is room for more. */
  async write(data: Uint8Array): Promise<void> {
    await this.#file.write(data, this.#offset);
    this.#offset += data.byteLength;
  }

  /** Makes it durable, checks it, and gives it its name. Throws SnapshotDamaged, and the reason of `signal`. */
  async commit(signal?: AbortSignal): Promise<void> {
    const { disk, directory } = this.#place;
    await this.#file.sync();
    await this.#close();
    const path = join(directory, receivedName(this.position));
    const received = await SnapshotReader.open(this.#place, path);
    await received.verify(signal);
    const { index, term } = received.head.position;
    if (index !== this.position.index || term !== this.position.term) throw new SnapshotDamaged({ path, offset: 0 });
    await disk.rename(path, join(directory, snapshotName(this.position)));
    await disk.syncDirectory(directory);
  }

  /** Gives it up: nothing of it stays. */
  async discard(): Promise<void> {
    const { disk, directory } = this.#place;
    if (this.#open) await this.#close();
    await disk.remove(join(directory, receivedName(this.position)));
  }

  async #close(): Promise<void> {
    invariant(this.#open, 'a file is closed once');
    this.#open = false;
    await this.#file.close();
  }
}
