/**
 * What a node begins with after its log was opened: the newest snapshot that is one of this log, and a state that the
 * log can go on from. It must never take a snapshot for one of this log that the log does not know of (R12).
 */
import type { LogPosition } from '../../core/index.js';
import { DiskFailed, InvariantViolation, QuorateError, SnapshotDamaged } from '../../errors/index.js';
import type { Logger } from '../logger.js';
import type { StateMachine } from '../state-machine/state-machine.js';
import type { RecoveredLog } from '../storage/log-storage.js';
import { snapshotName } from './snapshot-name.js';
import type { Snapshots } from './snapshots.js';

/**
 * Resolves to the newest snapshot of this log; null without one. Restores the state machine where it has less than the
 * log begins with, or nothing. Rejects with SnapshotDamaged when no snapshot that reaches the log can be read, and with
 * DiskFailed when the disk does not let it.
 */
export async function loadState(parts: {
  readonly recovered: RecoveredLog;
  readonly snapshots: Snapshots;
  readonly machine: StateMachine<never, unknown, unknown>;
  readonly logger: Logger;
  /** Aborts when the node is ended meanwhile: it rejects with the reason, at the next piece. */
  readonly signal: AbortSignal;
}): Promise<LogPosition | null> {
  const { recovered, snapshots, machine, logger } = parts;
  const { start } = recovered;
  const usable = snapshots.positions.filter((position) => isOfLog(recovered, position)).reverse();
  const newest = usable[0] ?? null;
  if (machine.appliedIndex > 0 && machine.appliedIndex >= start.index) return newest;
  const damaged: LogPosition[] = [];
  let failure: SnapshotDamaged | null = null;
  for (const position of usable) {
    try {
      await restore(parts, position);
      for (const useless of damaged) await snapshots.remove(useless);
      return position;
    } catch (error) {
      if (!(error instanceof SnapshotDamaged)) throw error;
      logger.error({ error: error.message }, 'a snapshot is damaged: an older one is tried');
      damaged.push(position);
      failure = error;
    }
  }
  if (start.index > 0) throw failure ?? new SnapshotDamaged({ path: snapshots.pathOf(start), offset: 0 });
  for (const useless of damaged) await snapshots.remove(useless);
  return null;
}

async function restore(
  { snapshots, machine, signal }: Pick<Parameters<typeof loadState>[0], 'snapshots' | 'machine' | 'signal'>,
  position: LogPosition,
): Promise<void> {
  const view = { appliedIndex: position.index, appliedTerm: position.term };
  const state = await machine.restore(readAll(snapshots, position, signal), view);
  state.swap();
}

/** What the disk fails with gets the sentence that a person needs. */
async function* readAll(snapshots: Snapshots, position: LogPosition, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    const reader = await snapshots.open(position);
    yield* reader.chunks(signal);
  } catch (error) {
    if (error instanceof QuorateError || error instanceof InvariantViolation) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DiskFailed(
      `the snapshot ${snapshotName(position)} cannot be read (${reason}): make the data directory readable, or ` +
        'repair the disk, and start the node again',
      { cause: error },
    );
  }
}

/** One that was received and not installed may be ahead of the log, or beside it. */
function isOfLog({ start, entries }: RecoveredLog, { index, term }: LogPosition): boolean {
  if (index === start.index) return term === start.term;
  return entries[index - start.index - 1]?.term === term;
}

/**
 * What a state machine holds was committed, whatever commit index the log remembers. A state that the log does not
 * contain is not of this log, or ahead of what survived (R12).
 */
export function checkState({ start, entries }: RecoveredLog, machine: StateMachine<never, unknown, unknown>): void {
  const { appliedIndex: index, appliedTerm } = machine;
  const term = index === start.index ? start.term : entries[index - start.index - 1]?.term;
  if (term === appliedTerm) return;
  throw new DiskFailed(
    `the state machine has applied index ${index} of term ${appliedTerm}, which the log lacks: start it empty`,
  );
}
