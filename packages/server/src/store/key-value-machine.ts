/** The key-value application as a replicated state machine. In memory: it is rebuilt from the log at every start. */
import { MemoryStateMachine, type StateMachine } from 'quorate';
import type { KeyValueCommand, KeyValueResult } from './command.js';
import { keyValueCodec } from './command-codec.js';
import { applyCommand } from './key-value.js';
import { createKeyValueState, type KeyValueState, type KeyValueView } from './key-value-state.js';

export type KeyValueMachine = StateMachine<KeyValueCommand, KeyValueResult, KeyValueView>;

export function createKeyValueMachine(): KeyValueMachine {
  return new MemoryStateMachine<KeyValueState, KeyValueCommand, KeyValueResult>({
    codec: keyValueCodec,
    create: createKeyValueState,
    apply: applyCommand,
  });
}
