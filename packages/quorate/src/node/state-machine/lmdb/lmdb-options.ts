/**
 * What a state machine on disk is made of: what users write, what can be tuned, and the seams. Everything is checked
 * here, once; a value must never be corrected.
 */
import { checkInteger, InvalidArgument } from '../../../errors/index.js';
import type { Clock } from '../../clock.js';
import type { Logger } from '../../logger.js';
import type { ApplyContext, CommandCodec } from '../state-machine.js';
import type { TableKinds, Tables } from '../tables/tables.js';
import type { LmdbOpen } from './lmdb-binding.js';
import type { StateDirectoryOptions } from './state-directory.js';

const MAX_TIMER_MS = 2 ** 31 - 1;
/** LMDB names have a limit of their own, and a snapshot counts tables in a byte. */
const MAX_TABLES = 100;
const MAX_NAME_BYTES = 100;

/** What users write: how commands become bytes, which tables there are, and what a command does to them. */
export interface LmdbStateMachineDefinition<Kinds extends TableKinds, Command, Result> {
  readonly codec: CommandCodec<Command>;
  /** The tables by name, each with what its keys are. A table may be added later; it is empty then. */
  readonly tables: Kinds;
  /**
   * Changes the tables and answers. Deterministic, synchronous, given nothing but its arguments. What cannot be done is
   * a result, not an exception: a throw stops the node, and nothing of the batch is visible.
   */
  apply(tables: Tables<Kinds>, command: Command, context: ApplyContext): Result;
}

export interface LmdbStateMachineTuning {
  /** The file is synced so often, in milliseconds. Default 10,000. */
  readonly syncIntervalMs?: number | undefined;
  /** Long-lived views at a time, those of snapshots included; more throw Overloaded. Default 16. */
  readonly maxViews?: number | undefined;
  /**
   * A view that is not released after so many milliseconds is ended, and its reader gets Timeout: while it is there, no
   * room in the file is used again. A snapshot has them from chunk to chunk. Default 600,000.
   */
  readonly maxViewMs?: number | undefined;
}

export interface LmdbStateMachineParts<Kinds extends TableKinds, Command, Result>
  extends StateDirectoryOptions,
    LmdbStateMachineTuning {
  readonly definition: LmdbStateMachineDefinition<Kinds, Command, Result>;
  readonly open: LmdbOpen;
  readonly clock: Clock;
  readonly logger: Logger;
}

export type ResolvedTuning = { readonly [Name in keyof LmdbStateMachineTuning]-?: number };

/** With the defaults. Throws InvalidArgument. */
export function resolveTuning(options: LmdbStateMachineTuning): ResolvedTuning {
  const { syncIntervalMs = 10_000, maxViews = 16, maxViewMs = 600_000 } = options;
  checkInteger('syncIntervalMs', syncIntervalMs, 1, MAX_TIMER_MS);
  checkInteger('maxViews', maxViews, 1, 1_000);
  checkInteger('maxViewMs', maxViewMs, 1, MAX_TIMER_MS);
  return { syncIntervalMs, maxViews, maxViewMs };
}

/** Throws InvalidArgument. */
export function checkTables(tables: TableKinds): void {
  const names = Object.keys(tables);
  if (names.length < 1 || names.length > MAX_TABLES) {
    throw new InvalidArgument({ field: 'tables', expected: `1 to ${MAX_TABLES} tables`, received: names.length });
  }
  for (const name of names) {
    if (name.length >= 1 && Buffer.byteLength(name) <= MAX_NAME_BYTES) continue;
    throw new InvalidArgument({ field: 'tables', expected: `names of 1 to ${MAX_NAME_BYTES} bytes`, received: name });
  }
}
