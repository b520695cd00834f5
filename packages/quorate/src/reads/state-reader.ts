/**
 * Reads of a replica's state that contain every write acknowledged before: ask the leader for a bound, wait until
 * this replica has applied it, run the function on a view that has reached it. It must never run the function on a
 * view below the bound, and never say that a read did not take place when its function ran.
 */
import {
  Aborted,
  ConsistentRead,
  invariant,
  NoLeader,
  Overloaded,
  QuorateError,
  Stopped,
  Timeout,
  TokenMismatch,
  unreachable,
} from '../errors/index.js';
import { BoundCoalescer } from './bound-coalescer.js';
import type { Clock } from './clock.js';
import { Deadline } from './deadline.js';
import type { Fsm, View } from './fsm.js';
import type { Leader, ReadIndex } from './leader.js';
import type { ReadObserver } from './read-observer.js';
import { checkReadOptions, type ReadOptions, type ReadRequest, type WaitOptions } from './read-options.js';
import type { ReadResult } from './read-result.js';
import { ReadTimes } from './read-times.js';
import { ReadView } from './read-view.js';
import { longerPause } from './retry-pause.js';
import {
  type ResolvedStateReaderOptions,
  resolveStateReaderOptions,
  type StateReaderOptions,
} from './state-reader-options.js';
import { encodeToken } from './tokens.js';

/** The function of a read. What it throws passes through as it is. */
export type ReadFunction<Tx, R> = (tx: Tx, view: ReadView) => R | Promise<R>;

/** The start of a function: the view it got, whose it is, and when. */
interface Start {
  readonly view: View;
  readonly source: string;
  readonly replica: { readonly id: string; readonly role: string };
  readonly atMs: number;
}

/** @typeParam Tx whatever view the state machine offers: a Map, an LMDB transaction, a SQL client. */
export class StateReader<Tx> {
  readonly #leader: Leader;
  readonly #fsm: Fsm<Tx>;
  readonly #clock: Clock;
  readonly #options: ResolvedStateReaderOptions;
  readonly #coalescer: BoundCoalescer;
  readonly #observer: ReadObserver | null;
  /** How many reads wait, in whatever stage: those that need the leader leave room for those that can do without. */
  readonly #waiting = { forLeader: 0, forReplica: 0 };

  /** Throws InvalidArgument for an option out of its range. */
  constructor(parts: {
    readonly leader: Leader;
    readonly fsm: Fsm<Tx>;
    readonly clock: Clock;
    readonly options?: StateReaderOptions | undefined;
    /** Default none. */
    readonly observer?: ReadObserver | undefined;
  }) {
    const { leader, fsm, clock, observer } = parts;
    this.#leader = leader;
    this.#fsm = fsm;
    this.#clock = clock;
    this.#options = resolveStateReaderOptions(parts.options ?? {});
    this.#observer = observer ?? null;
    this.#coalescer = new BoundCoalescer({ leader, clock, options: this.#options, observer });
  }

  /** How many reads wait at the moment, for their bound or for the state. */
  get waiting(): number {
    return this.#waiting.forLeader + this.#waiting.forReplica;
  }

  /**
   * Runs `fn` on a view of this replica's state that keeps the promise of `options.level`, once. What `fn` throws
   * passes through as it is. Throws ConsistentRead if and only if `fn` did not run; its cause is one of
   * InvalidArgument, TokenMismatch, LagBehind, SnapshotInstalling, NoLeader, Timeout, Canceled, Overloaded, Stopped,
   * or what else the leader or state met. The deadline ends when `fn` starts.
   */
  async consistentRead<R>(fn: ReadFunction<Tx, R>, options: ReadOptions = {}): Promise<ReadResult<R>> {
    const times = this.#observer?.wantsReads ? new ReadTimes(this.#clock.monotonicMs()) : null;
    let deadline: Deadline | null = null;
    let failure: { readonly error: unknown } | null = null;
    try {
      const request = checkReadOptions(options, this.#options);
      if (times !== null) times.level = request.level;
      this.#checkSource(request);
      deadline = this.#admit(request);
      deadline.times = times;
      return await this.#read(fn, request, deadline);
    } catch (error) {
      failure = { error: deadline?.running ? error : new ConsistentRead(error) };
      throw failure.error;
    } finally {
      deadline?.dispose();
      if (times !== null) this.#observer?.readEnded(times.ended(failure, this.#clock.monotonicMs()));
    }
  }

  /**
   * Asks the leader for a bound, waits until this replica has applied it, and resolves to it: the replica has caught
   * up with everything acknowledged before the call. Any number of reads can then be done on it with the option
   * `bound`. Throws what `consistentRead` has as its cause.
   */
  async waitLeaderCommitIndexApplied(options: WaitOptions = {}): Promise<ReadIndex> {
    const { timeoutMs, maxLag, signal } = options;
    const request = checkReadOptions({ timeoutMs, maxLag, signal }, this.#options);
    const deadline = this.#admit(request);
    try {
      const bound = await this.#askLeader(deadline);
      await this.#waitApplied(bound, new FsmOptions(request.maxLag, deadline), deadline);
      return bound;
    } finally {
      deadline.dispose();
    }
  }

  async #read<R>(fn: ReadFunction<Tx, R>, request: ReadRequest, deadline: Deadline): Promise<ReadResult<R>> {
    const beganAtMs = this.#clock.monotonicMs();
    const bound = await this.#establishBound(request, deadline);
    const boundAtMs = this.#clock.monotonicMs();
    if (deadline.times !== null) deadline.times.boundAtMs = boundAtMs;
    let started: Start | null = null;
    const value = await this.#readAtBound(bound, request, deadline, (tx, view) => {
      started = this.#start(view, bound, request, deadline);
      return fn(tx, new ReadView(view, bound, deadline));
    });
    invariant(started !== null, 'an Fsm that answers a read has run its function', { ...bound });
    const { view, source, replica, atMs } = started as Start;
    return {
      value,
      index: bound.index,
      term: bound.term,
      appliedIndex: view.appliedIndex,
      level: request.level,
      servedBy: replica.id,
      role: replica.role,
      // The index of the view, never of the bound: with the bound, time would run backwards on the next replica.
      token: encodeToken({ source, index: view.exact ? view.appliedIndex : view.upperIndex, term: bound.term }),
      waited: { boundMs: boundAtMs - beganAtMs, applyMs: atMs - boundAtMs },
    };
  }

  /** The bound of a read at its level, not below its floor. */
  async #establishBound(request: ReadRequest, deadline: Deadline): Promise<ReadIndex> {
    const { level, floor, token } = request;
    switch (level) {
      case 'linearizable': {
        const bound = request.bound ?? (await this.#askLeader(deadline));
        if (token !== null && token.source !== bound.source) throw foreignToken();
        return bound.index >= floor ? bound : { ...bound, index: floor };
      }
      case 'session':
        return { index: floor, term: 0, source: token?.source ?? (await this.#knownSource(request, deadline)) };
      case 'local':
        return { index: 0, term: 0, source: this.#fsm.source };
      default:
        return unreachable(level);
    }
  }

  /** The cluster id of this replica's state. While there is none, waits until there is a state to take a view of. */
  async #knownSource({ maxLag }: ReadRequest, deadline: Deadline): Promise<string> {
    if (this.#fsm.source === '') {
      const anything = { index: 0, term: 0, source: '' };
      deadline.stage = 'view';
      await deadline.waitFor(() => this.#fsm.read(anything, () => undefined, new FsmOptions(maxLag, deadline)));
    }
    return this.#fsm.source;
  }

  /**
   * Asks until there is an answer: a leader that was lost costs a retry (R5). The coalescer spaces the requests out.
   */
  async #askLeader(deadline: Deadline): Promise<ReadIndex> {
    for (;;) {
      try {
        return await this.#coalescer.readIndex(deadline);
      } catch (error) {
        if (deadline.reason !== null) throw deadline.reason;
        if (!isWorthAskingAgain(error)) throw error;
        deadline.lastFailure = error;
      }
    }
  }

  /**
   * Waits for the bound and reads at it. A restore in between aborts the view (R7): then it begins anew with the same
   * bound, which stays valid whoever leads and is never asked for again (R5).
   */
  async #readAtBound<R>(
    bound: ReadIndex,
    request: ReadRequest,
    deadline: Deadline,
    fn: (tx: Tx, view: View) => R | Promise<R>,
  ): Promise<R> {
    const options = new FsmOptions(request.maxLag, deadline);
    for (let pauseMs = longerPause(0); ; pauseMs = longerPause(pauseMs)) {
      if (request.level !== 'local') await this.#waitApplied(bound, options, deadline);
      deadline.stage = 'view';
      try {
        return await deadline.waitFor(() => this.#fsm.read(bound, fn, options));
      } catch (error) {
        if (deadline.running || !(error instanceof Aborted)) throw error;
        deadline.lastFailure = error;
      }
      deadline.stage = 'apply';
      await deadline.pause(pauseMs);
    }
  }

  #waitApplied(bound: ReadIndex, options: FsmOptions, deadline: Deadline): Promise<void> {
    deadline.stage = 'apply';
    return deadline.waitFor(() => this.#fsm.waitApplied(bound, options));
  }

  /** The last look before the function runs, on the very view that it gets (R7). Throws when it must not run. */
  #start(view: View, bound: ReadIndex, request: ReadRequest, deadline: Deadline): Start {
    const { source, replica } = this.#fsm;
    invariant(source !== '', 'a state that can be read belongs to a cluster');
    if (request.level !== 'local' && source !== bound.source) {
      throw new TokenMismatch('the state of this replica is of another cluster, or was restored, since the read began');
    }
    invariant(view.appliedIndex >= bound.index, 'a view that is handed out has reached the bound', {
      appliedIndex: view.appliedIndex,
      bound: bound.index,
    });
    deadline.start();
    const atMs = this.#clock.monotonicMs();
    if (deadline.times !== null) deadline.times.startedAtMs = atMs;
    return { view, source, replica, atMs };
  }

  /** Refuses a token of another history before anyone is asked, as far as this replica knows its own. */
  #checkSource({ token }: ReadRequest): void {
    const { source } = this.#fsm;
    if (token !== null && source !== '' && token.source !== source) throw foreignToken();
  }

  /** Every read has a place while it waits, and a deadline. Throws Overloaded when there is no place left (R9). */
  #admit({ level, bound, timeoutMs, signal }: ReadRequest): Deadline {
    const { maxWaiting } = this.#options;
    const kind = level === 'linearizable' && bound === null ? 'forLeader' : 'forReplica';
    if (this.#waiting[kind] >= maxWaiting) throw new Overloaded({ queue: 'waiting reads', limit: maxWaiting });
    const deadline: Deadline = new Deadline({
      clock: this.#clock,
      timeoutMs,
      signal,
      expired: () => this.#expired(deadline, timeoutMs),
      waited: () => {
        this.#waiting[kind] -= 1;
      },
    });
    this.#waiting[kind] += 1;
    return deadline;
  }

  /**
   * Without a leader neither a bound nor what it stands for arrives, and a cluster that has not been formed has
   * nothing to show: that says more than that the time is over.
   */
  #expired({ stage, lastFailure: cause }: Deadline, timeoutMs: number): QuorateError {
    const leader = this.#leader.hint();
    if (leader === null && (stage !== 'view' || this.#fsm.source === '')) return new NoLeader({ cause });
    return new Timeout({ stage, timeoutMs }, { leader, cause });
  }
}

/**
 * Overloaded and Stopped may help elsewhere or later; here, asking again would only add to the load, or last for
 * ever.
 */
function isWorthAskingAgain(error: unknown): boolean {
  return (
    error instanceof QuorateError && error.retryable && !(error instanceof Overloaded) && !(error instanceof Stopped)
  );
}

/** What the Fsm gets. The signal is made when it is taken, which most reads never do. */
class FsmOptions {
  readonly maxLag: number;
  readonly #deadline: Deadline;

  constructor(maxLag: number, deadline: Deadline) {
    this.maxLag = maxLag;
    this.#deadline = deadline;
  }

  get signal(): AbortSignal {
    return this.#deadline.signal;
  }
}

function foreignToken(): TokenMismatch {
  return new TokenMismatch('the token is of another cluster, or from before a restore');
}
