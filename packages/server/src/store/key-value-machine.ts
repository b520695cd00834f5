/** The key-value application as a replicated state machine. In memory: it is rebuilt from the log at every start. */
import { MemoryStateMachine, type StateMachine } from 'quorate';
import { type KeyValueCommand, type KeyValueResult, keyValueCodec } from './command.js';
import { applyCommand, createKeyValueState, type KeyValueState, type KeyValueView } from './key-value.js';

export type KeyValueMachine = StateMachine<KeyValueCommand, KeyValueResult, KeyValueView>;

export function createKeyValueMachine(): KeyValueMachine {
  return new MemoryStateMachine<KeyValueState, KeyValueCommand, KeyValueResult>({
    codec: keyValueCodec,
    create: createKeyValueState,
    apply: applyCommand,
  });
}
