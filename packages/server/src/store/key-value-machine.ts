/**
 * The key-value application as a replicated state machine, in memory or on the disk. Whoever opens one closes it, once
 * nobody uses it any more.
 */
import { type Logger, MemoryStateMachine, type StateMachine } from 'quorate';
import type { ChangeHistory } from './change-history.js';
import { changesOf } from './changes-of.js';
import type { KeyValueCommand, KeyValueResult } from './command.js';
import { keyValueCodec } from './command-codec.js';
import { applyCommand, type Place } from './key-value.js';
import { type KeyValueState, type KeyValueView, MemoryState } from './key-value-state.js';
import { memorySnapshots } from './memory-snapshots.js';
import { WatchedMachine } from './watched-machine.js';

export type KeyValueMachine = StateMachine<KeyValueCommand, KeyValueResult, KeyValueView>;

/** `lmdb`: on the disk. `memory`: it is rebuilt from snapshot and log at every start. */
export type StoreKind = 'lmdb' | 'memory';

export interface OpenMachine {
  readonly machine: KeyValueMachine;
  /** Resolves when everything is durable and the directory is free. Rejects with DiskFailed. */
  close(): Promise<void>;
}

export interface MachineOptions {
  /** Where a state on the disk is. */
  readonly path: string;
  /** Is told of every change. */
  readonly history: ChangeHistory;
  readonly logger: Logger;
}

/** Rejects with what `openLmdbStateMachine` rejects with. */
export async function openKeyValueMachine(kind: StoreKind, options: MachineOptions): Promise<OpenMachine> {
  if (kind === 'memory') return { machine: createMemoryMachine(options.history), close: async () => {} };
  // Loaded here: a server in memory runs where the package has no binary, too.
  const { openLmdbMachine } = await import('./lmdb-machine.js');
  return openLmdbMachine(options);
}

export function createMemoryMachine(history: ChangeHistory): KeyValueMachine {
  const machine = new MemoryStateMachine<MemoryState, KeyValueCommand, KeyValueResult>({
    codec: keyValueCodec,
    create: () => new MemoryState(),
    apply: (state, command, context) => applyAndRecord(state, command, context, history),
    snapshots: memorySnapshots,
  });
  return new WatchedMachine(machine, history, (state) => state);
}

/** Applies a command, and records what it has changed. */
export function applyAndRecord(
  state: KeyValueState,
  command: KeyValueCommand,
  { index, term }: Place,
  history: ChangeHistory,
): KeyValueResult {
  const result = applyCommand(state, command, { index, term });
  history.record(index, term, changesOf(command, result, index));
  return result;
}
