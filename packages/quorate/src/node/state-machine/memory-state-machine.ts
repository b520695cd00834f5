/**
 * A state machine that lives in memory: any state object, changed by a deterministic function. The library's default.
 * It must never run asynchronous code on its state: a view is consistent because nothing else runs while it is read.
 */
import { invariant } from '../../errors/index.js';
import type { ApplyContext, ApplyEntry, CommandCodec, StateMachine, StateView } from './state-machine.js';
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
}

export class MemoryStateMachine<State, Command, Result> implements StateMachine<Command, Result, Readonly<State>> {
  readonly codec: CommandCodec<Command>;
  readonly #definition: StateMachineDefinition<State, Command, Result>;
  readonly #state: State;
  #appliedIndex = 0;
  #appliedTerm = 0;

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

  /** `fn` must be synchronous: a promise would see the state change under it. Throws InvalidArgument when it is not. */
  read<R>(fn: (tx: Readonly<State>, view: StateView) => R): R {
    const value = fn(this.#state, { appliedIndex: this.#appliedIndex, appliedTerm: this.#appliedTerm });
    refusePromise(value);
    return value;
  }
}
