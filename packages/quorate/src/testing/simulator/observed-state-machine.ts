/**
 * The user's state machine in a simulated node: it takes its time to apply, and the world sees each entry in the
 * moment readers do. It must never change what goes in or comes out.
 */
import type {
  ApplyEntry,
  CommandCodec,
  RestoredState,
  StateMachine,
  StateSnapshot,
  StateView,
} from '../../node/index.js';

export class ObservedStateMachine<Command, Result, Tx> implements StateMachine<Command, Result, Tx> {
  readonly codec: CommandCodec<Command>;
  readonly failed: AbortSignal | undefined;
  readonly #machine: StateMachine<Command, Result, Tx>;
  readonly #onApplied: (entries: readonly ApplyEntry[]) => void;
  readonly #onRestored: (view: StateView) => void;

  constructor(
    machine: StateMachine<Command, Result, Tx>,
    observer: {
      readonly onApplied: (entries: readonly ApplyEntry[]) => void;
      readonly onRestored: (view: StateView) => void;
    },
  ) {
    this.codec = machine.codec;
    this.failed = machine.failed;
    this.#machine = machine;
    this.#onApplied = observer.onApplied;
    this.#onRestored = observer.onRestored;
  }

  get appliedIndex(): number {
    return this.#machine.appliedIndex;
  }

  get appliedTerm(): number {
    return this.#machine.appliedTerm;
  }

  apply(entries: readonly ApplyEntry[]): readonly (Result | null)[] {
    const results = this.#machine.apply(entries);
    this.#onApplied(entries);
    return results;
  }

  snapshot(): StateSnapshot | null {
    return this.#machine.snapshot();
  }

  async restore(chunks: AsyncIterable<Uint8Array>, view: StateView): Promise<RestoredState> {
    const { swap, discard } = await this.#machine.restore(chunks, view);
    return {
      discard,
      swap: () => {
        swap();
        this.#onRestored(view);
      },
    };
  }

  read<R>(fn: (tx: Tx, view: StateView) => R): R {
    return this.#machine.read(fn);
  }
}
