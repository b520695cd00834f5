/**
 * A leader and a state machine in the test's hands, for the read path alone. Nothing happens by itself: the test
 * answers every request and applies every entry, and can count all that a read might leave behind: waiters and
 * listeners.
 */
import { getEventListeners, setMaxListeners } from 'node:events';
import {
  Aborted,
  ConsistentRead,
  LagBehind,
  type LeaderHint,
  QuorateError,
  SnapshotInstalling,
  TokenMismatch,
} from '../../packages/quorate/src/errors/index.js';
import type { Fsm, View } from '../../packages/quorate/src/reads/fsm.js';
import type { Leader, ReadIndex } from '../../packages/quorate/src/reads/leader.js';
import type { ManualClock } from './manual-clock.js';

/** The cluster id of everything here. */
export const SOURCE = 'f00d';

/** Lets everything run that needs no time to pass. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Why a read did not take place; fails the test when it did, or when anything but a ConsistentRead came of it. */
export async function failure(read: Promise<unknown>): Promise<QuorateError> {
  const outcome = await read.then(
    () => new Error('the read was answered'),
    (error: unknown) => error,
  );
  if (outcome instanceof ConsistentRead && outcome.cause instanceof QuorateError) return outcome.cause;
  throw outcome;
}

/** Lets time pass, and at every millisecond everything run that follows from it. */
export async function pass(clock: ManualClock, ms: number): Promise<void> {
  await settle();
  for (let i = 0; i < ms; i++) {
    clock.advance(1);
    await settle();
  }
}

export interface CountedSignal {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
  /** Listeners that were added and not removed. */
  readonly listeners: number;
}

/** A caller's signal that counts who listens to it. */
export function countedSignal(): CountedSignal {
  const controller = new AbortController();
  const { signal } = controller;
  // Many reads share it in the tests; the warning about many listeners is for those who forget them.
  setMaxListeners(0, signal);
  return {
    signal,
    abort: (reason) => controller.abort(reason),
    get listeners() {
      return getEventListeners(signal, 'abort').length;
    },
  };
}

/** A request for a bound, as it arrived at the leader. */
export interface LeaderRequest {
  /** The leader's commit index when the request was sent: what the answer has to be at least. */
  readonly commitIndex: number;
  readonly signal: AbortSignal;
  /** False from the answer, the failure or, unless the leader is deaf, the abort on. */
  readonly pending: boolean;
  /** Answers with `index`; default: the commit index when the request was sent, the oldest answer that is correct. */
  answer(index?: number): void;
  fail(error: Error): void;
}

export interface ScriptedLeader extends Leader {
  /** All requests, in the order in which they were sent. */
  readonly requests: LeaderRequest[];
  /** The last request. */
  readonly last: LeaderRequest;
  /** Requests that someone still wants an answer to. */
  readonly pending: number;
  term: number;
  /** The last index acknowledged to any writer. */
  commitIndex: number;
  known: LeaderHint | null;
  /** Answers each request at once; or with an error; default: the test answers. */
  script: 'by hand' | 'answer' | Error;
  /** True: takes no notice of the signal. */
  deaf: boolean;
}

export function scriptedLeader(): ScriptedLeader {
  const requests: (LeaderRequest & { pending: boolean })[] = [];
  const leader: ScriptedLeader = {
    requests,
    get last() {
      const last = requests.at(-1);
      if (last === undefined) throw new Error('nothing was asked of the leader');
      return last;
    },
    get pending() {
      return requests.filter(({ pending, signal }) => pending && !signal.aborted).length;
    },
    term: 3,
    commitIndex: 0,
    known: { id: 'n1', url: 'http://127.0.0.1:4001' },
    script: 'by hand',
    deaf: false,
    hint: () => leader.known,
    readIndex: ({ signal }) =>
      new Promise<ReadIndex>((resolve, reject) => {
        const { commitIndex, term } = leader;
        const end = (how: () => void) => {
          request.pending = false;
          signal.removeEventListener('abort', onAbort);
          how();
        };
        const onAbort = () => end(() => reject(signal.reason));
        const request = {
          ...{ commitIndex, signal, pending: true },
          answer: (index = commitIndex) => end(() => resolve({ index, term, source: SOURCE })),
          fail: (error: Error) => end(() => reject(error)),
        };
        requests.push(request);
        if (!leader.deaf) signal.addEventListener('abort', onAbort, { once: true });
        if (leader.script === 'answer') request.answer();
        else if (leader.script !== 'by hand') request.fail(leader.script);
      }),
  };
  return leader;
}

/** The state: what was written last to each key, at the index of the view. */
export type State = ReadonlyMap<string, string>;

/** What a view says of itself beside its index; the default is exact. */
type Exactness = { readonly exact: true } | { readonly exact: false; readonly upperIndex: number };

export interface ScriptedFsm extends Fsm<State> {
  source: string;
  replica: { id: string; role: string };
  /** The state that readers see, and its index. */
  readonly state: State;
  readonly appliedIndex: number;
  /** The index that the node has handed to the state machine: it runs ahead of what readers see. */
  readonly queuedIndex: number;
  /** Who waits for an index and has not been told to stop. */
  readonly waiters: number;
  /** Bounds that views were taken with, in order. */
  readonly views: ReadIndex[];
  /** Bounds that were waited for, in order. */
  readonly waits: ReadIndex[];
  exactness: Exactness;
  installing: boolean;
  /** Hands entries to the state machine, which applies them later. */
  queue(...writes: readonly Write[]): void;
  /** Applies what is queued, up to `index`, shows it to readers, and wakes them (R6). */
  apply(index?: number): void;
  /** Puts another state in place of this one and of what is queued, and wakes those whose index it reaches. */
  restore(index: number, state?: State): void;
  /** Settles when the index is reached but for the wake-up: called between the wait and the view. */
  betweenWaitAndView: (() => void) | null;
  /** Waits and views begin when this settles: the formation of the cluster. */
  form: Promise<void> | null;
  /** Called for each view before it is taken: throws, or resolves when it may be taken. */
  beforeView: ((signal: AbortSignal) => Promise<void>) | null;
  /** Ends every wait and every view from now on. */
  fail(error: Error): void;
  /** True: waits take no notice of their signal. */
  deaf: boolean;
}

export interface Write {
  readonly index: number;
  readonly key?: string;
  readonly value?: string;
}

interface Waiter {
  readonly index: number;
  readonly signal: AbortSignal;
  settle(error: unknown): void;
}

export function scriptedFsm(): ScriptedFsm {
  return new ScriptedState();
}

class ScriptedState implements ScriptedFsm {
  source = SOURCE;
  replica = { id: 'n2', role: 'follower' };
  exactness: Exactness = { exact: true };
  installing = false;
  deaf = false;
  betweenWaitAndView: (() => void) | null = null;
  beforeView: ((signal: AbortSignal) => Promise<void>) | null = null;
  form: Promise<void> | null = null;
  readonly views: ReadIndex[] = [];
  readonly waits: ReadIndex[] = [];
  appliedIndex = 0;
  readonly #queued: Write[] = [];
  readonly #waiters = new Set<Waiter>();
  #state = new Map<string, string>();
  #failure: Error | null = null;

  get state(): State {
    return this.#state;
  }

  get queuedIndex(): number {
    return this.#queued.at(-1)?.index ?? this.appliedIndex;
  }

  get waiters(): number {
    return [...this.#waiters].filter(({ signal }) => !signal.aborted).length;
  }

  queue(...writes: readonly Write[]): void {
    this.#queued.push(...writes);
  }

  apply(upTo = Number.POSITIVE_INFINITY): void {
    for (let next = this.#queued[0]; next !== undefined && next.index <= upTo; next = this.#queued[0]) {
      const { index, key, value } = next;
      this.#queued.shift();
      if (key !== undefined && value !== undefined) this.#state.set(key, value);
      this.appliedIndex = index;
    }
    this.#wake();
  }

  restore(index: number, restored: State = new Map()): void {
    this.#queued.length = 0;
    this.#state = new Map(restored);
    this.appliedIndex = index;
    this.#wake();
  }

  fail(error: Error): void {
    this.#failure = error;
    for (const waiter of [...this.#waiters]) waiter.settle(error);
  }

  async waitApplied(
    bound: ReadIndex,
    options: { readonly signal: AbortSignal; readonly maxLag: number },
  ): Promise<void> {
    this.waits.push(bound);
    await this.form;
    if (this.#failure !== null) throw this.#failure;
    if (bound.source !== this.source) throw new TokenMismatch('the bound is of another cluster');
    const { appliedIndex: applied } = this;
    if (applied < bound.index) {
      if (this.installing) throw new SnapshotInstalling();
      const { signal, maxLag: limit } = options;
      if (bound.index - applied > limit) throw new LagBehind({ required: bound.index, applied, limit });
      await this.#wait(bound.index, signal);
    }
    this.betweenWaitAndView?.();
  }

  async read<R>(
    bound: ReadIndex,
    fn: (tx: State, view: View) => R | Promise<R>,
    options: { readonly signal: AbortSignal },
  ): Promise<R> {
    this.views.push(bound);
    await this.form;
    if (this.beforeView !== null) await this.beforeView(options.signal);
    if (this.#failure !== null) throw this.#failure;
    const { appliedIndex } = this;
    if (appliedIndex < bound.index) throw new Aborted({ required: bound.index, applied: appliedIndex });
    return fn(new Map(this.#state), { appliedIndex, ...this.exactness });
  }

  #wait(index: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const onAbort = () => waiter.settle(signal.reason);
      const waiter: Waiter = {
        index,
        signal,
        settle: (error) => {
          this.#waiters.delete(waiter);
          signal.removeEventListener('abort', onAbort);
          if (error === null) resolve();
          else reject(error);
        },
      };
      this.#waiters.add(waiter);
      if (!this.deaf) signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) if (waiter.index <= this.appliedIndex) waiter.settle(null);
  }
}
