/**
 * The directory of a state: the file `current`, and the LMDB files of one generation, `state-N.mdb`, or of two while a
 * restore is under way. It must never leave a moment at which a crash would lose the one state without the other being
 * complete.
 */
import { join } from 'node:path';
import { invariant } from '../../../errors/index.js';
import type { Logger } from '../../logger.js';
import type { DirectoryLock, Disk, DiskFile } from '../../storage/disk.js';
import { decodeMarker, encodeMarker, reasonToDiscard, type StateMarker } from './state-marker.js';

const CURRENT = 'current';
const NEXT = 'next.tmp';
const CHANGED = 'current.tmp';

export interface StateDirectoryOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly bootId: string | null;
  readonly logger: Logger;
  /** Replaces a file in one step, at once: a new state takes the place of the old one between two turns. */
  readonly renameSync: (from: string, to: string) => void;
}

export class StateDirectory {
  readonly #options: StateDirectoryOptions;
  readonly #lock: DirectoryLock;
  #generation: number;
  /** The highest that was given to anybody. */
  #newest: number;

  private constructor(options: StateDirectoryOptions, lock: DirectoryLock, generation: number) {
    this.#options = options;
    this.#lock = lock;
    this.#generation = generation;
    this.#newest = generation;
  }

  /**
   * Locks it, discards a state that cannot be trusted, sweeps what a crash left behind, and marks the state as open:
   * durably, for a mark of a clean close must not come back once it is not true any more. Throws DirectoryLocked,
   * UnknownFormat, or an error of the system.
   */
  static async open(options: StateDirectoryOptions): Promise<StateDirectory> {
    const { disk, path } = options;
    await disk.makeDirectory(path);
    const lock = await disk.lock(path);
    try {
      const names = await disk.list(path);
      const kept = await keptGeneration(options);
      const generation = kept ?? Math.max(0, ...names.map((name) => generationOf(name) ?? 0)) + 1;
      for (const name of names) {
        const found = generationOf(name);
        const isLeftover = found === null ? name === NEXT || name === CHANGED : found !== kept;
        if (isLeftover) await disk.remove(join(path, name));
      }
      const directory = new StateDirectory(options, lock, generation);
      await directory.mark('open');
      return directory;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  get generation(): number {
    return this.#generation;
  }

  filePath(generation: number): string {
    return join(this.#options.path, `state-${generation}.mdb`);
  }

  /** Our own descriptor of a generation's file, for syncs. It is there before LMDB writes, so that it sees errors. */
  async openFile(generation: number): Promise<DiskFile> {
    const { disk, path } = this.#options;
    const exists = (await disk.list(path)).includes(`state-${generation}.mdb`);
    return disk.open(this.filePath(generation), exists ? 'open' : 'create');
  }

  /** Durable when it resolves. */
  async mark(state: StateMarker['state']): Promise<void> {
    await this.#writeMarker(CHANGED, state, this.#generation);
    const { disk, path } = this.#options;
    await disk.rename(join(path, CHANGED), join(path, CURRENT));
    await disk.syncDirectory(path);
  }

  /**
   * No start trusts the state any more. Where that cannot be written nothing names the state afterwards: a disk that
   * takes nothing may still let go of something, and a start finds no state then. Throws when it does not.
   */
  async distrust(): Promise<void> {
    const { disk, path } = this.#options;
    // Not synced: after another start of the system a state that was open is not trusted in any case.
    await this.mark('failed').catch(() => disk.remove(join(path, CURRENT)));
  }

  /** The number of a generation to be built aside. */
  nextGeneration(): number {
    this.#newest += 1;
    return this.#newest;
  }

  /** After it, {@link replace} can take the generation. */
  prepare(generation: number): Promise<void> {
    return this.#writeMarker(NEXT, 'open', generation);
  }

  /** A process that ends from here on leaves the new generation, before it the old one. */
  replace(generation: number): void {
    const { path, renameSync } = this.#options;
    invariant(generation > this.#generation, 'a state is replaced by a newer one', { generation });
    renameSync(join(path, NEXT), join(path, CURRENT));
    this.#generation = generation;
  }

  /** Removes the files of a generation that nobody has open. */
  async remove(generation: number): Promise<void> {
    const { disk, path } = this.#options;
    for (const name of await disk.list(path)) {
      if (generationOf(name) === generation) await disk.remove(join(path, name));
    }
  }

  syncNames(): Promise<void> {
    return this.#options.disk.syncDirectory(this.#options.path);
  }

  release(): Promise<void> {
    return this.#lock.release();
  }

  async #writeMarker(name: string, state: StateMarker['state'], generation: number): Promise<void> {
    const { disk, path, bootId } = this.#options;
    const file = await disk.open(join(path, name), 'create');
    try {
      await file.write(encodeMarker({ generation, state, bootId }), 0);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** `state-3.mdb` and `state-3.mdb-lock` are of generation 3; null for other files. */
function generationOf(name: string): number | null {
  const [, generation] = /^state-([1-9]\d{0,14})\.mdb(?:-lock)?$/.exec(name) ?? [];
  return generation === undefined ? null : Number(generation);
}

/** Null when there is no state, or none that can be trusted. */
async function keptGeneration({ disk, path, bootId, logger }: StateDirectoryOptions): Promise<number | null> {
  const bytes = await disk.readFile(join(path, CURRENT));
  if (bytes === null) return null;
  const marker = decodeMarker(bytes);
  const reason = marker === null ? 'its mark cannot be read' : reasonToDiscard(marker, bootId);
  if (marker !== null && reason === null) return marker.generation;
  logger.warn({ path, reason }, 'the state is discarded, to be rebuilt from snapshot and log');
  return null;
}
