/**
 * One generation of a state: its LMDB file, our own descriptor of it, and what syncs it. It must never be closed or
 * removed while somebody reads it.
 */
import type { Clock } from '../../clock.js';
import type { DiskFile } from '../../storage/disk.js';
import type { TableKinds } from '../tables/tables.js';
import { FileSyncer } from './file-syncer.js';
import type { LmdbOpen } from './lmdb-binding.js';
import { LmdbEnvironment } from './lmdb-environment.js';
import type { ResolvedTuning } from './lmdb-options.js';
import type { StateDirectory } from './state-directory.js';

export interface GenerationOptions<Kinds extends TableKinds> {
  readonly directory: StateDirectory;
  readonly open: LmdbOpen;
  readonly clock: Clock;
  readonly kinds: Kinds;
  readonly tuning: ResolvedTuning;
  /** A sync failed. Called once for a generation. */
  readonly onFailure: (cause: unknown, number: number) => void;
}

export class Generation<Kinds extends TableKinds> {
  readonly number: number;
  readonly environment: LmdbEnvironment<Kinds>;
  readonly syncer: FileSyncer;
  readonly #file: DiskFile;
  readonly #directory: StateDirectory;

  private constructor(number: number, file: DiskFile, options: GenerationOptions<Kinds>) {
    const { directory, open, clock, kinds, tuning, onFailure } = options;
    this.number = number;
    this.#file = file;
    this.#directory = directory;
    // One more for reads, and one for a transaction of the package that is over and not yet used again.
    this.environment = new LmdbEnvironment(open, directory.filePath(number), kinds, tuning.maxViews + 2);
    const intervalMs = tuning.syncIntervalMs;
    this.syncer = new FileSyncer({ file, clock, intervalMs, onFailure: (cause) => onFailure(cause, number) });
  }

  static async open<Kinds extends TableKinds>(
    number: number,
    options: GenerationOptions<Kinds>,
  ): Promise<Generation<Kinds>> {
    const file = await options.directory.openFile(number);
    try {
      await checkHeader(file);
      return new Generation(number, file, options);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Waits for the last reader; durable with `sync`. Throws what the sync throws. */
  async close({ sync }: { readonly sync: boolean }): Promise<void> {
    await this.environment.retire();
    await this.syncer.stop();
    try {
      if (!sync) return;
      this.syncer.written();
      await this.syncer.sync();
    } finally {
      await this.#file.close();
    }
  }

  /** Waits for the last reader, and removes the files. */
  async discard(): Promise<void> {
    await this.close({ sync: false });
    await this.#directory.remove(this.number);
  }
}

const HEADER_BYTES = 32;
const MAGIC_AT = 24;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;

/** The package (3.5.6) ends the whole process when LMDB refuses a file, so that what is none is told apart before. */
async function checkHeader(file: DiskFile): Promise<void> {
  const header = Buffer.from(await file.read(0, HEADER_BYTES));
  if (header.length === 0) return;
  const isLmdb =
    header.length === HEADER_BYTES &&
    header.readUInt32LE(MAGIC_AT) === MAGIC &&
    header.readUInt16LE(MAGIC_AT + 4) === DATA_VERSION;
  if (!isLmdb) throw new Error('its file is not one of LMDB, or of another version of it');
}
