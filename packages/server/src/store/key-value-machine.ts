/**
 * The key-value application as a replicated state machine. In memory: it is rebuilt from the log at every start, and
 * its history of changes with it. It must never show a change to a watch that readers of the state cannot see yet.
 */
import { type ApplyEntry, MemoryStateMachine, type StateMachine, type StateMachineDefinition } from 'quorate';
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
      snapshots: temporarySnapshots,
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

/** TEMP: replaced by that of the store on disk. */
const temporarySnapshots: NonNullable<
  StateMachineDefinition<ReturnType<typeof createKeyValueState>, KeyValueCommand, KeyValueResult>['snapshots']
> = {
  save(state) {
    const keys = [...state.keys.entries()].map(([key, { value, version }]) => [
      key,
      Buffer.from(value).toString('base64'),
      version,
    ]);
    const requests = [...state.requests.entries()];
    const order = [...state.requestOrder.entries()];
    const { requestCount, evictedThrough } = state;
    return [Buffer.from(JSON.stringify({ keys, requests, order, requestCount, evictedThrough }))];
  },
  async load(chunks) {
    const pieces: Uint8Array[] = [];
    for await (const chunk of chunks) pieces.push(chunk);
    const saved = JSON.parse(Buffer.concat(pieces).toString());
    const state = createKeyValueState();
    for (const [key, value, version] of saved.keys) {
      state.keys.set(key, { value: new Uint8Array(Buffer.from(value, 'base64')), version });
    }
    for (const [key, request] of saved.requests) state.requests.set(key, request);
    for (const [index, key] of saved.order) state.requestOrder.set(index, key);
    state.requestCount = saved.requestCount;
    state.evictedThrough = saved.evictedThrough;
    return state;
  },
};
