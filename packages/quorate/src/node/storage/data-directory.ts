/**
 * A data directory: locked for this process, made once with a random incarnation, and bound to one node of one cluster
 * for life (see Identity in the decisions). It must never let a node go on under another name, or with a log that is
 * not its own or gone: such a node would vote a second time.
 */
import { join } from 'node:path';
import {
  DiskFailed,
  IdentityMismatch,
  InvalidArgument,
  InvariantViolation,
  invariant,
  QuorateError,
  unreachable,
} from '../../errors/index.js';
import type { Clock } from '../clock.js';
import type { Beginning, Formation } from '../identity.js';
import type { Logger } from '../logger.js';
import { logEvents } from '../node-events.js';
import type { Compression } from '../snapshot/compression.js';
import { Snapshots } from '../snapshot/snapshots.js';
import type { DirectoryLock, Disk } from './disk.js';
import { decodeIdentity, encodeIdentity, IDENTITY_FORMAT_VERSION, type StoredIdentity } from './identity-file.js';
import type { LogStorage, RecoveredLog } from './log-storage.js';
import { openWriteAheadLog } from './open-write-ahead-log.js';
import { segmentNumber } from './segment-head.js';

export interface DataDirectoryOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Made when it is missing. */
  readonly path: string;
  /** The name of the node. */
  readonly id: string;
  /** The name of the cluster. */
  readonly cluster: string;
  /** For the incarnation of a new directory; from a source that nobody can guess. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** See `WriteAheadLogOptions`. */
  readonly segmentBytes?: number | undefined;
  /** See `WriteAheadLogOptions`. */
  readonly sealAfterMs?: number | undefined;
  /** Of the snapshots. Default: in the thread pool. */
  readonly compression?: Compression | undefined;
}

/**
 * Makes the directory one that begins with a snapshot, which `fill` puts there: it is called when the directory is
 * empty and locked. The directory is nobody's before all of that is durable. Throws InvalidArgument when it is not
 * empty, DirectoryLocked, DiskFailed, and what `fill` throws.
 */
export async function restoreDirectory(
  options: DataDirectoryOptions,
  fill: (openSnapshots: () => Promise<Snapshots>) => Promise<Beginning>,
): Promise<void> {
  const { disk, clock, path } = options;
  await onDisk(path, async () => {
    await disk.makeDirectory(path);
    if ((await disk.list(path)).length > 0) {
      throw new InvalidArgument({ field: 'dataDir', expected: 'a new or an empty directory', received: path });
    }
    const lock = await disk.lock(path);
    try {
      const openSnapshots = () => Snapshots.open({ disk, clock, directory: snapshotsPath(path) });
      await createIdentity(options, await fill(openSnapshots));
    } finally {
      await lock.release();
    }
  });
}

/**
 * Opens the directory, or makes it. Throws DirectoryLocked, IdentityMismatch (another node or cluster, or an identity
 * that cannot be read) or DiskFailed.
 */
export function openDirectory(options: DataDirectoryOptions): Promise<DataDirectory> {
  return DataDirectory.open(options);
}

export class DataDirectory {
  readonly #options: DataDirectoryOptions;
  readonly #lock: DirectoryLock;
  #identity: StoredIdentity;

  private constructor(options: DataDirectoryOptions, lock: DirectoryLock, identity: StoredIdentity) {
    this.#options = options;
    this.#lock = lock;
    this.#identity = identity;
  }

  static async open(options: DataDirectoryOptions): Promise<DataDirectory> {
    const { disk, path } = options;
    return onDisk(path, async () => {
      await disk.makeDirectory(path);
      const lock = await disk.lock(path);
      try {
        const identity = (await readIdentity(options)) ?? (await createIdentity(options, null));
        return new DataDirectory(options, lock, identity);
      } catch (error) {
        await lock.release();
        throw error;
      }
    });
  }

  get path(): string {
    return this.#options.path;
  }

  get incarnation(): string {
    return this.#identity.incarnation;
  }

  /** Null until {@link persistFormation} has resolved. */
  get formation(): Formation | null {
    return this.#identity.formation;
  }

  /** What it was restored from; null when it began empty. */
  get beginning(): Beginning | null {
    return this.#identity.beginning;
  }

  /** Resolves when the formation is durable. A directory has one for life. Throws DiskFailed. */
  async persistFormation(formation: Formation): Promise<void> {
    const { nodeId, incarnation, cluster, formation: stored } = this.#identity;
    invariant(formation.cluster === cluster, 'a formation is of the cluster of the directory', { formation, cluster });
    invariant(
      formation.members.some((member) => member.id === nodeId && member.incarnation === incarnation),
      'a node is a member of its formation, with the disk it has',
      { formation, nodeId, incarnation },
    );
    invariant(stored === null || stored.clusterId === formation.clusterId, 'a directory has one formation for life', {
      stored,
      formation,
    });
    if (stored === null) await this.#change({ formation });
  }

  /** Opens the log of the cluster formed. Throws LogDamaged, IdentityMismatch or DiskFailed. */
  async openLog(formation: Formation): Promise<{ readonly log: LogStorage; readonly recovered: RecoveredLog }> {
    const { formation: stored, incarnation, hasLog, beginning } = this.#identity;
    const { clusterId } = formation;
    invariant(stored?.clusterId === clusterId, 'the log is opened for the formation that is stored', { clusterId });
    const { id, disk, clock, logger, path, segmentBytes, sealAfterMs } = this.#options;
    const opened = await openWriteAheadLog({
      ...{ disk, clock, logger, clusterId, incarnation, segmentBytes, sealAfterMs },
      directory: logPath(path),
      mustExist: hasLog,
      beginning,
      events: logEvents(id),
    });
    // Before anybody can append: from the first vote on, a log that is gone is not taken for one that never was.
    if (!hasLog) {
      try {
        await this.#change({ hasLog: true });
      } catch (error) {
        await opened.log.close();
        throw error;
      }
    }
    return opened;
  }

  /** The snapshots of the node, in a folder beside the log. Throws DiskFailed. */
  openSnapshots(): Promise<Snapshots> {
    const { disk, clock, path, compression } = this.#options;
    return onDisk(path, () => Snapshots.open({ disk, clock, compression, directory: snapshotsPath(path) }));
  }

  /** Releases the lock; the log has to be closed before. */
  close(): Promise<void> {
    return this.#lock.release();
  }

  async #change(fields: Partial<StoredIdentity>): Promise<void> {
    const identity = { ...this.#identity, ...fields };
    await onDisk(this.#options.path, () => writeIdentity(this.#options, identity));
    this.#identity = identity;
  }
}

function identityPath(path: string): string {
  return join(path, 'identity');
}

function logPath(path: string): string {
  return join(path, 'log');
}

function snapshotsPath(path: string): string {
  return join(path, 'snapshots');
}

/** Null in a directory that was never used. */
async function readIdentity({ disk, path, id, cluster }: DataDirectoryOptions): Promise<StoredIdentity | null> {
  const bytes = await disk.readFile(identityPath(path));
  if (bytes === null) {
    await refuseOrphanedLog(disk, path);
    await refuseOrphanedSnapshots(disk, path);
    return null;
  }
  // Its name may be younger than the last sync, if the process that gave it ended in between.
  await disk.syncDirectory(path);
  const decoded = decodeIdentity(bytes);
  switch (decoded.kind) {
    case 'identity':
      checkOwner(decoded.identity, { path, id, cluster });
      return decoded.identity;
    case 'other-version':
      throw new IdentityMismatch(
        `the data directory ${path} has format ${decoded.version} and this release reads formats ` +
          `1 to ${IDENTITY_FORMAT_VERSION}: start the release that wrote it, or a newer one`,
      );
    case 'unreadable':
      throw new IdentityMismatch(
        `the file ${identityPath(path)} is damaged: restore the directory from a copy, or remove this node and let ` +
          'it join under a new name',
      );
    default:
      return unreachable(decoded);
  }
}

function checkOwner(
  stored: StoredIdentity,
  { path, id, cluster }: { path: string; id: string; cluster: string },
): void {
  if (stored.nodeId !== id) {
    throw new IdentityMismatch(
      `the data directory ${path} belongs to node ${stored.nodeId} and cannot be used by ${id}: start the node under ` +
        `its name, or give ${id} a directory of its own`,
    );
  }
  if (stored.cluster !== cluster) {
    throw new IdentityMismatch(
      `the data directory ${path} belongs to cluster ${stored.cluster} and cannot be used in ${cluster}: start the ` +
        'node with the name of its cluster, or give it another directory',
    );
  }
}

/** A log without an identity: somebody removed the file, and the node that was here may have voted. */
async function refuseOrphanedLog(disk: Disk, path: string): Promise<void> {
  if (!(await disk.list(path)).includes('log')) return;
  if ((await disk.list(logPath(path))).every((name) => segmentNumber(name) === null)) return;
  throw new IdentityMismatch(
    `the data directory ${path} has a log and no identity file: restore the directory from a copy, or give this node ` +
      'an empty directory and let it join under a new name',
  );
}

/** A restore that was broken off, or a lost identity: in both cases the node would begin without what is there. */
async function refuseOrphanedSnapshots(disk: Disk, path: string): Promise<void> {
  if (!(await disk.list(path)).includes('snapshots') || (await disk.list(snapshotsPath(path))).length === 0) return;
  throw new IdentityMismatch(
    `the data directory ${path} has snapshots and no identity file: if its restore was broken off, empty it and ` +
      'restore it again; otherwise put back a copy of the directory',
  );
}

async function createIdentity(options: DataDirectoryOptions, beginning: Beginning | null): Promise<StoredIdentity> {
  const { id, cluster, randomBytes } = options;
  const incarnation = Buffer.from(randomBytes(16)).toString('hex');
  const identity = { nodeId: id, incarnation, cluster, formation: null, hasLog: false, beginning };
  await writeIdentity(options, identity);
  return identity;
}

/** Written aside, synced, renamed, directory synced: after a crash there is the old file or the new one. */
async function writeIdentity({ disk, path }: DataDirectoryOptions, identity: StoredIdentity): Promise<void> {
  const aside = `${identityPath(path)}.tmp`;
  const file = await disk.open(aside, 'create');
  try {
    await file.write(encodeIdentity(identity), 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(aside, identityPath(path));
  await disk.syncDirectory(path);
}

/** Gives an error of the system the sentence that a person needs; those that have one pass. */
async function onDisk<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof QuorateError || error instanceof InvariantViolation) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DiskFailed(
      `the data directory ${path} cannot be used (${reason}): make it a directory that this process may write to, ` +
        'with free space, or choose another one',
      { cause: error },
    );
  }
}
