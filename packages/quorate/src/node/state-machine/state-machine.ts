/**
 * What a replicated state machine is to the node that drives it. It owns `(appliedIndex, appliedTerm)`: they change
 * together with the data and never before it is visible to readers (R6). `apply` must be deterministic: the same
 * entries give the same state and results on every replica and at every replay.
 */

/** What `apply` may know beside the command. Nothing else: no clock, no randomness, no I/O. */
export interface ApplyContext {
  readonly index: number;
  readonly term: number;
  /** The leader's wall clock when it appended the entry, ms since 1970; never goes back from one entry to the next. */
  readonly timestampMs: number;
}

/**
 * An entry to apply. `command` is null for entries without one (no-op, configuration), which move the index all the
 * same.
 */
export interface ApplyEntry extends ApplyContext {
  readonly command: Uint8Array | null;
}

/** The index and term of the very state that a view shows. */
export interface StateView {
  readonly appliedIndex: number;
  readonly appliedTerm: number;
}

/** The state as it was at one index, to be written down while the state machine goes on. */
export interface StateSnapshot extends StateView {
  /** The state in pieces of any size. Read once at most, within many turns of the loop. */
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** Lets go of what it holds; called once, also when the chunks were not read to their end. */
  release(): void;
}

/** A state that was read back aside, and is not in use yet. Either function is called, once. */
export interface RestoredState {
  /** Puts it in the place of the present state, together with its index. Synchronous. */
  swap(): void;
  /** It is not needed. */
  discard(): void;
}

/** Turns commands into bytes and back. The first byte of the bytes is a version: old entries replay for ever. */
export interface CommandCodec<Command> {
  encode(command: Command): Uint8Array;
  /** Throws on an unknown version: the node stops; an entry is never skipped. */
  decode(data: Uint8Array): Command;
}

/**
 * @typeParam Command what users propose
 * @typeParam Result what `apply` answers; a command that cannot be applied is a result, not an exception
 * @typeParam Tx the view that readers get
 */
export interface StateMachine<Command, Result, Tx> {
  readonly codec: CommandCodec<Command>;
  /**
   * Aborted, with the error as its reason, when the state cannot be used any more though nothing was asked of it, as
   * when its disk has failed: the node stops then. Left out by a state machine to which that cannot happen.
   */
  readonly failed?: AbortSignal | undefined;
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  /**
   * Applies the entries in order and publishes them together with the index of the last. Synchronous. A throw stops
   * the node.
   */
  apply(entries: readonly ApplyEntry[]): readonly (Result | null)[];
  /** Holds on to the present state. Synchronous; null when the state machine cannot be written down. */
  snapshot(): StateSnapshot | null;
  /**
   * Builds the state of a snapshot aside, while the present one is read and written. One at a time: what it resolved to
   * is swapped in or discarded before the next. Rejects when the pieces are not what a snapshot gave.
   */
  restore(chunks: AsyncIterable<Uint8Array>, view: StateView): Promise<RestoredState>;
  /** Runs `fn` on a view that does not change until `fn` has returned. */
  read<R>(fn: (tx: Tx, view: StateView) => R): R;
}
