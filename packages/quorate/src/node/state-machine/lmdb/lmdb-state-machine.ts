/**
 * A state machine whose state is on disk, in LMDB (decision 6). The log is what is durable, so nothing is synced as it
 * is applied: a state is kept over the end of a process, and discarded over that of the operating system unless it was
 * closed. It must never show a state without its index, nor go on with a file that could not be synced.
 */
import { DiskFailed, InvalidArgument, invariant, Overloaded, Stopped, Timeout } from '../../../errors/index.js';
import type { ApplyEntry, CommandCodec, RestoredState, StateMachine, StateView } from '../state-machine.js';
import { refusePromise } from '../synchronous.js';
import { checkPlace } from '../tables/state-stream.js';
import type { ReadableTables, TableKinds } from '../tables/tables.js';
import { Generation, type GenerationOptions } from './generation.js';
import type { LmdbEnvironment } from './lmdb-environment.js';
import { checkTables, type LmdbStateMachineParts, resolveTuning } from './lmdb-options.js';
import { describe, onDisk } from './on-disk.js';
import { fillEnvironment } from './restore-state.js';
import { type LmdbSnapshot, snapshotOf } from './snapshot-state.js';
import { StateDirectory } from './state-directory.js';

/** A view that does not change while writes go on. */
export interface LmdbView<Kinds extends TableKinds> extends StateView {
  readonly tables: ReadableTables<Kinds>;
  /** Lets it last for all of its time again. Does nothing when it is over. */
  renew(): void;
  /** Ends it; using its tables afterwards throws InvalidArgument. Does nothing the second time. */
  release(): void;
}

export class LmdbStateMachine<Kinds extends TableKinds, Command, Result>
  implements StateMachine<Command, Result, ReadableTables<Kinds>>
{
  readonly codec: CommandCodec<Command>;
  readonly #parts: LmdbStateMachineParts<Kinds, Command, Result>;
  readonly #options: GenerationOptions<Kinds>;
  readonly #directory: StateDirectory;
  #live: Generation<Kinds>;
  #position: StateView;
  /** Each ends one view. */
  readonly #views = new Set<(reason: () => Error) => void>();
  /** Built, and not taken yet. */
  #prepared: Generation<Kinds> | null = null;
  #restoring: Promise<unknown> | null = null;
  /** What goes on behind the back of the callers. It never rejects. */
  readonly #background = new Set<Promise<void>>();
  readonly #failing = new AbortController();
  readonly #closing = new AbortController();
  #closed: Promise<void> | null = null;

  private constructor(
    parts: LmdbStateMachineParts<Kinds, Command, Result>,
    directory: StateDirectory,
    live: Generation<Kinds>,
    options: GenerationOptions<Kinds>,
  ) {
    this.codec = parts.definition.codec;
    this.#parts = parts;
    this.#directory = directory;
    this.#options = options;
    this.#live = live;
    this.#position = positionOf(live.environment);
  }

  /**
   * Throws DirectoryLocked, UnknownFormat, InvalidArgument, or DiskFailed. A state that cannot be trusted is discarded:
   * `appliedIndex` is 0 then, and the node rebuilds it.
   */
  static async open<Kinds extends TableKinds, Command, Result>(
    parts: LmdbStateMachineParts<Kinds, Command, Result>,
  ): Promise<LmdbStateMachine<Kinds, Command, Result>> {
    const { definition, path, open, clock, logger } = parts;
    const tuning = resolveTuning(parts);
    checkTables(definition.tables);
    return onDisk(path, async () => {
      const directory = await StateDirectory.open(parts);
      try {
        let machine: LmdbStateMachine<Kinds, Command, Result> | null = null;
        const onFailure = (cause: unknown, number: number) => {
          if (machine !== null) machine.#syncFailed(cause, number);
        };
        const options = { directory, open, clock, kinds: definition.tables, tuning, onFailure };
        const live = await Generation.open(directory.generation, options);
        machine = new LmdbStateMachine(parts, directory, live, options);
        logger.info({ path, appliedIndex: machine.appliedIndex }, 'the state is open');
        return machine;
      } catch (error) {
        await directory.release();
        throw error;
      }
    });
  }

  get appliedIndex(): number {
    return this.#position.appliedIndex;
  }

  get appliedTerm(): number {
    return this.#position.appliedTerm;
  }

  /** Aborted with DiskFailed when a sync of the file has failed, which nobody need have asked for. */
  get failed(): AbortSignal {
    return this.#failing.signal;
  }

  /** One transaction for all of them. Throws DiskFailed or Stopped when the state cannot be used any more. */
  apply(entries: readonly ApplyEntry[]): readonly (Result | null)[] {
    this.#assertUsable();
    const last = entries.at(-1);
    if (last === undefined) return [];
    const { definition } = this.#parts;
    const position = { appliedIndex: last.index, appliedTerm: last.term };
    const results = this.#live.environment.write((tables) => {
      return entries.map(({ command, ...context }, i) => {
        const isNext = context.index === this.#position.appliedIndex + 1 + i;
        invariant(isNext, 'entries are applied in order, each once', { ...context });
        return command === null ? null : definition.apply(tables, this.codec.decode(command), context);
      });
    }, position);
    this.#position = position;
    this.#live.syncer.written();
    return results;
  }

  /** `fn` must be synchronous, and may use the tables only until it returns. Throws InvalidArgument otherwise. */
  read<R>(fn: (tables: ReadableTables<Kinds>, view: StateView) => R): R {
    this.#assertUsable();
    const { tables, appliedIndex, appliedTerm, end } = this.#live.environment.beginRead();
    try {
      const value = fn(tables, { appliedIndex, appliedTerm });
      refusePromise(value);
      return value;
    } finally {
      end(readIsOver);
    }
  }

  /**
   * A view for as long as it takes, `maxViewMs` at most unless it is renewed. Whoever asks for it releases it. Throws
   * Overloaded.
   */
  view(): LmdbView<Kinds> {
    this.#assertUsable();
    const { clock, logger } = this.#parts;
    const { maxViews: limit, maxViewMs: timeoutMs } = this.#options.tuning;
    if (this.#views.size >= limit) throw new Overloaded({ queue: 'views of the state', limit });
    const { tables, appliedIndex, appliedTerm, end } = this.#live.environment.beginRead();
    const setTimer = () =>
      clock.setTimer(timeoutMs, () => {
        logger.warn({ appliedIndex, timeoutMs }, 'a view of the state was never released, and is ended');
        endView(() => new Timeout({ stage: 'the release of a view', timeoutMs }));
      });
    let timer = setTimer();
    const renew = () => {
      if (!this.#views.has(endView)) return;
      timer.cancel();
      timer = setTimer();
    };
    const endView = (reason: () => Error) => {
      timer.cancel();
      this.#views.delete(endView);
      end(reason);
    };
    this.#views.add(endView);
    return { tables, appliedIndex, appliedTerm, renew, release: () => endView(readIsOver) };
  }

  /** The whole state as bytes, from a view of now, `maxViewMs` at most from chunk to chunk. Throws Overloaded. */
  snapshot(): LmdbSnapshot {
    return snapshotOf(this.view(), this.#parts.definition.tables, this.#parts.clock);
  }

  /**
   * Builds the state that the bytes hold beside the present one. `swap` puts it in the place of the present one, in one
   * step: a process that ends before leaves the old state, afterwards the new one. Views of the old one stay. One
   * restore at a time: another one throws Overloaded, and discards a state that was not swapped in. Rejects with
   * StateDamaged, also when the state is not at `view`, UnknownFormat, Canceled, Stopped, DiskFailed, or what `chunks`
   * fails with; nothing has changed then.
   */
  async restore(
    chunks: AsyncIterable<Uint8Array>,
    view: StateView,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<RestoredState> {
    this.#assertUsable();
    if (this.#restoring !== null) throw new Overloaded({ queue: 'restores of the state', limit: 1 });
    const signals = options.signal === undefined ? [] : [options.signal];
    const restoring = this.#build(chunks, view, AbortSignal.any([this.#closing.signal, ...signals]));
    this.#restoring = restoring;
    try {
      const built = await restoring;
      return { swap: () => this.#install(built, view), discard: () => this.#dropIfPrepared(built) };
    } finally {
      this.#restoring = null;
    }
  }

  /** Resolves when everything applied so far is durable. Throws DiskFailed; the next start discards the state then. */
  async sync(): Promise<void> {
    this.#assertUsable();
    await onDisk(this.#parts.path, async () => {
      await this.#live.syncer.sync();
      await this.#directory.syncNames();
    });
  }

  /**
   * Ends all views, syncs, and marks the state as closed, so that the next start keeps it. Whoever uses it must have
   * stopped. Throws DiskFailed; the directory is free then, too.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const stopped = () => new Stopped();
    this.#closing.abort(stopped());
    for (const end of [...this.#views]) end(stopped);
    try {
      await this.#restoring?.catch(ignoreReported);
      await this.#dropPrepared();
      await Promise.all(this.#background);
      await onDisk(this.#parts.path, async () => {
        await this.#live.close({ sync: !this.failed.aborted });
        if (!this.failed.aborted) await this.#directory.mark('closed');
      });
    } finally {
      await Promise.all(this.#background);
      await this.#directory.release();
    }
  }

  #assertUsable(): void {
    if (this.#closed !== null) throw new Stopped();
    this.failed.throwIfAborted();
  }

  async #build(chunks: AsyncIterable<Uint8Array>, view: StateView, signal: AbortSignal): Promise<Generation<Kinds>> {
    const { clock, definition, path } = this.#parts;
    await this.#dropPrepared();
    const number = this.#directory.nextGeneration();
    const built = await onDisk(path, () => Generation.open(number, this.#options));
    try {
      const position = await fillEnvironment(built.environment, definition.tables, chunks, { clock, signal });
      checkPlace(position, view);
      await onDisk(path, async () => {
        built.syncer.written();
        await built.syncer.sync();
        await this.#directory.prepare(number);
      });
      this.#prepared = built;
      return built;
    } catch (error) {
      await this.#discard(built);
      throw error;
    }
  }

  #install(built: Generation<Kinds>, { appliedIndex, appliedTerm }: StateView): void {
    this.#assertUsable();
    invariant(this.#prepared === built, 'a restored state is installed once, before another restore begins');
    this.#directory.replace(built.number);
    this.#prepared = null;
    const old = this.#live;
    this.#live = built;
    this.#position = { appliedIndex, appliedTerm };
    this.#parts.logger.info({ path: this.#parts.path, ...this.#position }, 'the state was replaced by a snapshot');
    this.#inBackground(this.#discard(old));
  }

  /** Not when a later restore, or the end, has dropped it already. */
  #dropIfPrepared(built: Generation<Kinds>): void {
    if (this.#prepared === built) this.#inBackground(this.#dropPrepared());
  }

  async #dropPrepared(): Promise<void> {
    const prepared = this.#prepared;
    this.#prepared = null;
    if (prepared !== null) await this.#discard(prepared);
  }

  /** Waits for its last reader. What cannot be removed is swept at the next start. */
  async #discard(generation: Generation<Kinds>): Promise<void> {
    try {
      await generation.discard();
    } catch (error) {
      this.#parts.logger.warn({ path: this.#parts.path, error }, 'the files of a state that was replaced stay behind');
    }
  }

  /** What could not be written is forgotten by the system, and may be read back as something else. */
  #syncFailed(cause: unknown, number: number): void {
    if (number !== this.#live.number) return;
    const { path, logger } = this.#parts;
    const failure = new DiskFailed(
      `the state in ${path} could not be synced (${describe(cause)}): repair the disk and start the node again; ` +
        'it rebuilds the state from snapshot and log',
      { cause },
    );
    logger.error({ path, error: cause }, 'the state could not be synced, and is discarded at the next start');
    const marked = this.#directory.distrust().catch((error: unknown) => {
      logger.error({ path, error }, `the state could not be marked as failed: remove ${path} before the next start`);
    });
    this.#inBackground(marked);
    this.#failing.abort(failure);
  }

  #inBackground(work: Promise<void>): void {
    this.#background.add(work);
    void work.finally(() => this.#background.delete(work));
  }
}

function positionOf(environment: LmdbEnvironment<TableKinds>): StateView {
  const { appliedIndex, appliedTerm, end } = environment.beginRead();
  end(readIsOver);
  return { appliedIndex, appliedTerm };
}

function readIsOver(): Error {
  return new InvalidArgument({ field: 'tables', expected: 'used before the read is over', received: 'a later use' });
}

function ignoreReported(): void {}
