/** State machines whose state is on disk. The one entry point that needs the package `lmdb`, an optional peer. */
import { renameSync } from 'node:fs';
import { open } from 'lmdb';
import { systemClock } from '../node/clock.js';
import { type Logger, silentLogger } from '../node/logger.js';
import type { LmdbStateMachineDefinition, LmdbStateMachineTuning } from '../node/state-machine/lmdb/lmdb-options.js';
import { LmdbStateMachine } from '../node/state-machine/lmdb/lmdb-state-machine.js';
import type { TableKinds } from '../node/state-machine/tables/tables.js';
import { NodeDisk } from '../node/storage/node-disk.js';
import { currentBootId } from '../node/storage/process-identity.js';

export type { LmdbStateMachineDefinition, LmdbStateMachineTuning } from '../node/state-machine/lmdb/lmdb-options.js';
export type { LmdbStateMachine, LmdbView } from '../node/state-machine/lmdb/lmdb-state-machine.js';
export type { LmdbSnapshot } from '../node/state-machine/lmdb/snapshot-state.js';
export type {
  KeyKind,
  KeyOf,
  ReadableTable,
  ReadableTables,
  Table,
  TableKinds,
  Tables,
} from '../node/state-machine/tables/tables.js';

export interface LmdbStateMachineOptions<Kinds extends TableKinds, Command, Result> extends LmdbStateMachineTuning {
  readonly definition: LmdbStateMachineDefinition<Kinds, Command, Result>;
  /** A directory of its own, made when it is missing. Not the data directory of the node; within it is fine. */
  readonly path: string;
  /** Default: silent. */
  readonly logger?: Logger | undefined;
  /**
   * Something that changes whenever the operating system starts, such as `kern.boottime` on macOS; null when it is not
   * known. Default: what Linux tells, elsewhere null. Without it a state is kept only after a clean `close`.
   */
  readonly bootId?: string | null | undefined;
}

/** Opens the state, or makes it. Throws DirectoryLocked, UnknownFormat, InvalidArgument or DiskFailed. */
export async function openLmdbStateMachine<Kinds extends TableKinds, Command, Result>(
  options: LmdbStateMachineOptions<Kinds, Command, Result>,
): Promise<LmdbStateMachine<Kinds, Command, Result>> {
  const { bootId, logger = silentLogger, ...rest } = options;
  return LmdbStateMachine.open({
    ...rest,
    ...{ open, renameSync, logger, clock: systemClock, disk: new NodeDisk() },
    bootId: bootId === undefined ? await currentBootId() : bootId,
  });
}
