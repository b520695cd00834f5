/**
 * The key-value application as a replicated state machine. In memory: it is rebuilt from the log at every start, and
 * its history of changes with it. It must never show a change to a watch that readers of the state cannot see yet.
 */
import { type ApplyEntry, MemoryStateMachine, type StateMachine } from 'quorate';
import type { ChangeHistory } from './change-history.js';
import { changesOf } from './changes-of.js';
import type { KeyValueCommand, KeyValueResult } from './command.js';
import { keyValueCodec } from './command-codec.js';
import { applyCommand } from './key-value.js';
import { createKeyValueState, type KeyValueState, type KeyValueView } from './key-value-state.js';

export type KeyValueMachine = StateMachine<KeyValueCommand, KeyValueResult, KeyValueView>;

/** `history` is told of every change. */
export function createKeyValueMachine(history: ChangeHistory): KeyValueMachine {
  return new MemoryKeyValueMachine(history);
}

class MemoryKeyValueMachine extends MemoryStateMachine<KeyValueState, KeyValueCommand, KeyValueResult> {
  readonly #history: ChangeHistory;

  constructor(history: ChangeHistory) {
    super({
      codec: keyValueCodec,
      create: createKeyValueState,
      apply(state, command, context) {
        const result = applyCommand(state, command, context);
        history.record(context.index, context.term, changesOf(command, result, context.index));
        return result;
      },
    });
    this.#history = history;
  }

  override apply(entries: readonly ApplyEntry[]): readonly (KeyValueResult | null)[] {
    this.#history.begin(this.appliedIndex + 1);
    const results = super.apply(entries);
    this.#history.publish(this.appliedIndex);
    return results;
  }
}
