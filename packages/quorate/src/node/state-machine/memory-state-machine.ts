/**
 * A state machine that lives in memory: any state object, changed by a deterministic function. The library's default.
 * It must never run asynchronous code on its state: a view is consistent because nothing else runs while it is read.
 */
import { invariant } from '../../errors/index.js';
import type {
  ApplyContext,
  ApplyEntry,
  CommandCodec,
  RestoredState,
  StateMachine,
  StateSnapshot,
  StateView,
} from './state-machine.js';
import { refusePromise } from './synchronous.js';

/** What users write: how commands become bytes, the first state, and what a command does to it. */
export interface StateMachineDefinition<State, Command, Result> {
  readonly codec: CommandCodec<Command>;
  /** Makes the state as it is before the first entry. */
  create(): State;
  /**
   * Changes the state and answers. Deterministic, synchronous, given nothing but its arguments. What cannot be done
   * is a result, not an exception: a throw stops the node.
   */
  apply(state: State, command: Command, context: ApplyContext): Result;
  /**
   * How the state is written down and read back. Without it the node takes no snapshots: its log only grows, and is
   * replayed from the beginning at every start.
   */
  readonly snapshots?: StateCodec<State>;
}

export interface StateCodec<State> {
  /**
   * The state in pieces; `view` says where it stands. Called between two commands: whatever is read later, while
   * commands go on, must have been held on to (copied, or shared with a structure that copies on write) before this
   * returns.
   */
  save(state: State, view: StateView): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /**
   * The state of these pieces, which may be cut in other places. Rejects when they are not what `save` gave at `view`.
   */
  load(chunks: AsyncIterable<Uint8Array>, view: StateView): Promise<State>;
}

export class MemoryStateMachine<State, Command, Result> implements StateMachine<Command, Result, Readonly<State>> {
  readonly codec: CommandCodec<Command>;
  readonly #definition: StateMachineDefinition<State, Command, Result>;
  #state: State;
  #appliedIndex = 0;
  #appliedTerm = 0;
  /** A restored state is neither swapped in nor discarded yet. */
  #isPrepared = false;

  constructor(definition: StateMachineDefinition<State, Command, Result>) {
    this.codec = definition.codec;
    this.#definition = definition;
    this.#state = definition.create();
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get appliedTerm(): number {
    return this.#appliedTerm;
  }

  apply(entries: readonly ApplyEntry[]): readonly (Result | null)[] {
    return entries.map(({ command, ...context }) => {
      invariant(context.index === this.#appliedIndex + 1, 'entries are applied in order, each once', { ...context });
      const result = command === null ? null : this.#definition.apply(this.#state, this.codec.decode(command), context);
      this.#appliedIndex = context.index;
      this.#appliedTerm = context.term;
      return result;
    });
  }

  snapshot(): StateSnapshot | null {
    const { snapshots } = this.#definition;
    if (snapshots === undefined) return null;
    const view = { appliedIndex: this.#appliedIndex, appliedTerm: this.#appliedTerm };
    return { ...view, chunks: snapshots.save(this.#state, view), release: ignore };
  }

  async restore(chunks: AsyncIterable<Uint8Array>, view: StateView): Promise<RestoredState> {
    const { snapshots } = this.#definition;
    invariant(snapshots !== undefined, 'only a state that can be written down is restored', { ...view });
    invariant(!this.#isPrepared, 'a restored state is swapped in or discarded before the next', { ...view });
    const state = await snapshots.load(chunks, view);
    this.#isPrepared = true;
    const discard = () => {
      this.#isPrepared = false;
    };
    const swap = () => {
      discard();
      invariant(view.appliedIndex > this.#appliedIndex, 'a state never goes back', { ...view, at: this.#appliedIndex });
      this.#state = state;
      this.#appliedIndex = view.appliedIndex;
      this.#appliedTerm = view.appliedTerm;
    };
    return { swap, discard };
  }

  /** `fn` must be synchronous: a promise would see the state change under it. Throws InvalidArgument when it is not. */
  read<R>(fn: (tx: Readonly<State>, view: StateView) => R): R {
    const value = fn(this.#state, { appliedIndex: this.#appliedIndex, appliedTerm: this.#appliedTerm });
    refusePromise(value);
    return value;
  }
}

function ignore(): void {}
