/**
 * A state machine of the key-value application whose changes are told to a history. Whatever state it begins with, or
 * is given later, the history begins behind it. It must never show a change to a watch that readers of the state cannot
 * see yet.
 */
import type { ApplyEntry, CommandCodec, RestoredState, StateMachine, StateSnapshot, StateView } from 'quorate';
import type { ChangeHistory } from './change-history.js';
import type { KeyValueCommand, KeyValueResult } from './command.js';
import type { KeyValueMachine } from './key-value-machine.js';
import type { KeyValueView } from './key-value-state.js';

export class WatchedMachine<Tx> implements KeyValueMachine {
  readonly codec: CommandCodec<KeyValueCommand>;
  readonly failed: AbortSignal | undefined;
  readonly #machine: StateMachine<KeyValueCommand, KeyValueResult, Tx>;
  readonly #history: ChangeHistory;
  readonly #viewOf: (tx: Tx) => KeyValueView;

  /** The machine records in the history what its commands change. */
  constructor(
    machine: StateMachine<KeyValueCommand, KeyValueResult, Tx>,
    history: ChangeHistory,
    viewOf: (tx: Tx) => KeyValueView,
  ) {
    this.codec = machine.codec;
    this.failed = machine.failed;
    this.#machine = machine;
    this.#history = history;
    this.#viewOf = viewOf;
    history.begin(machine.appliedIndex + 1);
  }

  get appliedIndex(): number {
    return this.#machine.appliedIndex;
  }

  get appliedTerm(): number {
    return this.#machine.appliedTerm;
  }

  apply(entries: readonly ApplyEntry[]): readonly (KeyValueResult | null)[] {
    this.#history.begin(this.appliedIndex + 1);
    const results = this.#machine.apply(entries);
    this.#history.publish(this.appliedIndex);
    return results;
  }

  snapshot(): StateSnapshot | null {
    return this.#machine.snapshot();
  }

  async restore(chunks: AsyncIterable<Uint8Array>, view: StateView): Promise<RestoredState> {
    const restored = await this.#machine.restore(chunks, view);
    const swap = () => {
      restored.swap();
      // What led to this state is not known here: a watch from before cannot go on.
      this.#history.begin(view.appliedIndex + 1);
    };
    return { swap, discard: () => restored.discard() };
  }

  read<R>(fn: (tx: KeyValueView, view: StateView) => R): R {
    return this.#machine.read((tx, view) => fn(this.#viewOf(tx), view));
  }
}
