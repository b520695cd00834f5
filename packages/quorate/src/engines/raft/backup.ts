/**
 * Backups for programs: to look at one, and to begin a new history with it, while no node runs. What could not
 * be made whole must never be left behind: an empty directory at most.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  NodeDisk,
  restoreFile,
  type SnapshotSummary,
  silentLogger,
  systemClock,
  verifyFile,
} from '../../node/index.js';

export interface RestoreOptions {
  /** Path of the snapshot. */
  readonly file: string;
  /** A new or empty directory. */
  readonly dataDir: string;
  /** The name of the node that the directory is for. */
  readonly id: string;
  /** The name of the new cluster. Default `quorate`. */
  readonly cluster?: string | undefined;
  /** Told how much of the file is in the directory. Default none. */
  readonly onProgress?: ((bytes: number, total: number) => void) | undefined;
}

/** What a snapshot is of. Reads all of it: throws SnapshotDamaged, or DiskFailed when it cannot be read. */
export function verifySnapshot(path: string): Promise<SnapshotSummary> {
  return verifyFile({ disk: new NodeDisk(), clock: systemClock, path });
}

/**
 * Makes a data directory that begins with the state of a snapshot: the beginning of a new history, of a new cluster.
 * Every node of that cluster needs one, restored from the same file; the cluster forms when all of them have started.
 * Throws SnapshotDamaged and InvalidArgument (the directory is not empty) before anything is written, and DiskFailed.
 */
export async function restoreSnapshot(options: RestoreOptions): Promise<SnapshotSummary> {
  const { file, dataDir, id, cluster = 'quorate', onProgress = () => {} } = options;
  const disk = new NodeDisk();
  const clock = systemClock;
  const wasThere = await disk.list(dataDir).then(
    () => true,
    () => false,
  );
  const directory = { disk, clock, id, cluster, randomBytes, path: dataDir, logger: silentLogger };
  let begun = false;
  try {
    const began = (bytes: number, total: number) => {
      // Told before anything is written. From here on all that is in the directory is ours.
      begun = true;
      onProgress(bytes, total);
    };
    return await restoreFile({ disk, clock, path: file }, directory, began);
  } catch (error) {
    // Why there is none says more than what could not be removed.
    if (begun) await Promise.allSettled([clear(disk, dataDir, wasThere)]);
    throw error;
  }
}

/** Removes what was begun there, and the directory, unless it `wasThere` before. */
async function clear(disk: NodeDisk, directory: string, wasThere: boolean): Promise<void> {
  const left = wasThere ? (await disk.list(directory)).map((name) => join(directory, name)) : [directory];
  await Promise.allSettled(left.map((path) => disk.removeTree(path)));
}
