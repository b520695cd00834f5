/**
 * The snapshots of a node, in a folder of their own. It must never take one away that a log which was cut still needs:
 * the newest stays, whatever else goes.
 */
import { join } from 'node:path';
import type { LogPosition } from '../../core/index.js';
import { invariant } from '../../errors/index.js';
import type { Disk, DiskFile } from '../storage/disk.js';
import { SnapshotDownload } from './snapshot-download.js';
import { SnapshotFile } from './snapshot-file.js';
import type { SnapshotHead } from './snapshot-format.js';
import { isTemporary, type SnapshotPlace, snapshotName, snapshotPosition } from './snapshot-name.js';
import { SnapshotReader } from './snapshot-reader.js';
import { SnapshotWriter } from './snapshot-writer.js';

export class Snapshots {
  readonly #place: SnapshotPlace;
  /** Oldest first. */
  #positions: readonly LogPosition[];
  /** Of the files, by their names. */
  readonly #sizes: Map<string, number>;
  #saving = false;

  private constructor(place: SnapshotPlace, positions: readonly LogPosition[], sizes: Map<string, number>) {
    this.#place = place;
    this.#positions = positions;
    this.#sizes = sizes;
  }

  /** Makes the folder when it is missing, and removes what was never finished. */
  static async open(place: SnapshotPlace): Promise<Snapshots> {
    const { disk, directory } = place;
    await disk.makeDirectory(directory);
    const names = await disk.list(directory);
    for (const name of names.filter(isTemporary)) await disk.remove(join(directory, name));
    // A process can end between a rename and this: what is seen here has to be durable before anything is built on it.
    await disk.syncDirectory(directory);
    const positions = names.map(snapshotPosition).filter((position) => position !== null);
    const sizes = new Map<string, number>();
    for (const name of positions.map(snapshotName)) sizes.set(name, await sizeOf(disk, join(directory, name)));
    return new Snapshots(place, positions, sizes);
  }

  /** Null when there is none. */
  get newest(): LogPosition | null {
    return this.#positions.at(-1) ?? null;
  }

  get count(): number {
    return this.#positions.length;
  }

  pathOf(position: LogPosition): string {
    return join(this.#place.directory, snapshotName(position));
  }

  /** Of all files. */
  get bytes(): number {
    return this.#positions.reduce((sum, position) => sum + this.bytesOf(position), 0);
  }

  /** Of the file; 0 when there is no such snapshot any more. */
  bytesOf(position: LogPosition): number {
    return this.#sizes.get(snapshotName(position)) ?? 0;
  }

  /**
   * Writes a snapshot of the state, given piece by piece. Resolves to the bytes of its file when it is durable and was
   * read back; until then nobody sees it. Rejects with the error of the disk, with SnapshotDamaged, with what `state`
   * throws, or with the reason of `signal` at the next piece, and leaves nothing behind.
   */
  async save(
    head: SnapshotHead,
    state: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<number> {
    invariant(!this.#saving, 'one snapshot is written at a time');
    this.#saving = true;
    try {
      const writer = await SnapshotWriter.create(this.#place, head);
      try {
        for await (const part of state) {
          signal?.throwIfAborted();
          await writer.write(part);
        }
        const bytes = await writer.commit(signal);
        this.#add(head.position, bytes);
        return bytes;
      } catch (error) {
        // What cannot be removed now is swept at the next opening; why there is no snapshot says more.
        await Promise.allSettled([writer.discard()]);
        throw error;
      }
    } finally {
      this.#saving = false;
    }
  }

  /** Throws SnapshotDamaged when its head cannot be read. */
  open(position: LogPosition): Promise<SnapshotReader> {
    return SnapshotReader.open(this.#place, join(this.#place.directory, snapshotName(position)));
  }

  has({ index, term }: LogPosition): boolean {
    return this.#positions.some((other) => other.index === index && other.term === term);
  }

  /** Oldest first. */
  get positions(): readonly LogPosition[] {
    return this.#positions;
  }

  /** Begins to take one over from another node. */
  receive(position: LogPosition): Promise<SnapshotDownload> {
    return SnapshotDownload.create(this.#place, position);
  }

  /** Makes a download that is complete one of the snapshots. Throws as `save` does. */
  async adopt(download: SnapshotDownload, signal?: AbortSignal): Promise<void> {
    await download.commit(signal);
    this.#add(download.position, download.offset);
  }

  /** Opens the file as it is, to be read as a whole; null when there is no such snapshot any more. */
  async openFile(position: LogPosition): Promise<SnapshotFile | null> {
    if (!this.has(position)) return null;
    const { disk, directory } = this.#place;
    let file: DiskFile;
    try {
      file = await disk.open(join(directory, snapshotName(position)), 'read');
    } catch (error) {
      if (!this.has(position)) return null;
      throw error;
    }
    try {
      return new SnapshotFile(position, await file.size(), file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes of the file, and its size; null when there is no such snapshot any more. */
  async read(
    position: LogPosition,
    offset: number,
    length: number,
  ): Promise<{ readonly data: Uint8Array; readonly size: number } | null> {
    if (!this.has(position)) return null;
    const { disk, directory } = this.#place;
    const file = await disk.open(join(directory, snapshotName(position)), 'read');
    try {
      return { data: await file.read(offset, length), size: await file.size() };
    } finally {
      await file.close();
    }
  }

  /** Takes the oldest away, down to `count`, at least one. Those for which `isNeeded` holds stay. */
  async retain(count: number, isNeeded: (position: LogPosition) => boolean): Promise<void> {
    const { disk, directory } = this.#place;
    const old = this.#positions.slice(0, Math.max(0, this.#positions.length - Math.max(1, count)));
    const goes = old.filter((position) => !isNeeded(position));
    for (const position of goes) {
      // Nobody begins to read it from now on.
      this.#positions = this.#positions.filter((other) => other !== position);
      this.#sizes.delete(snapshotName(position));
      await disk.remove(join(directory, snapshotName(position)));
    }
    if (goes.length > 0) await disk.syncDirectory(directory);
  }

  /** Takes one away that is of no use. */
  async remove({ index, term }: LogPosition): Promise<void> {
    const position = this.#positions.find((other) => other.index === index && other.term === term);
    if (position === undefined) return;
    const { disk, directory } = this.#place;
    this.#positions = this.#positions.filter((other) => other !== position);
    await disk.remove(join(directory, snapshotName(position)));
    await disk.syncDirectory(directory);
  }

  #add(position: LogPosition, bytes: number): void {
    this.#sizes.set(snapshotName(position), bytes);
    const others = this.#positions.filter(({ index, term }) => index !== position.index || term !== position.term);
    this.#positions = [...others, position].sort((a, b) => a.index - b.index || a.term - b.term);
  }
}

async function sizeOf(disk: Disk, path: string): Promise<number> {
  const file = await disk.open(path, 'read');
  try {
    return await file.size();
  } finally {
    await file.close();
  }
}
