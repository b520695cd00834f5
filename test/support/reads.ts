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
  const queued: Write[] = [];
  const waiters = new Set<Waiter>();
  let state = new Map<string, string>();
  let appliedIndex = 0;
  let failure: Error | null = null;

  const wake = () => {
    for (const waiter of [...waiters]) if (waiter.index <= appliedIndex) waiter.settle(null);
  };
  const wait = (index: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const onAbort = () => waiter.settle(signal.reason);
      const waiter: Waiter = {
        index,
        signal,
        settle(error) {
          waiters.delete(waiter);
          signal.removeEventListener('abort', onAbort);
          if (error === null) resolve();
          else reject(error);
        },
      };
      waiters.add(waiter);
      if (!fsm.deaf) signal.addEventListener('abort', onAbort, { once: true });
    });

  const fsm: ScriptedFsm = {
    source: SOURCE,
    replica: { id: 'n2', role: 'follower' },
    exactness: { exact: true },
    installing: false,
    deaf: false,
    betweenWaitAndView: null,
    beforeView: null,
    form: null,
    views: [],
    waits: [],
    get state() {
      return state;
    },
    get appliedIndex() {
      return appliedIndex;
    },
    get queuedIndex() {
      return queued.at(-1)?.index ?? appliedIndex;
    },
    get waiters() {
      return [...waiters].filter(({ signal }) => !signal.aborted).length;
    },
    queue(...writes) {
      queued.push(...writes);
    },
    apply(index = Number.POSITIVE_INFINITY) {
      while (queued[0] !== undefined && queued[0].index <= index) {
        const { index: reached, key, value } = queued.shift() as Write;
        if (key !== undefined && value !== undefined) state.set(key, value);
        appliedIndex = reached;
      }
      wake();
    },
    restore(index, restored = new Map()) {
      queued.length = 0;
      state = new Map(restored);
      appliedIndex = index;
      wake();
    },
    fail(error) {
      failure = error;
      for (const waiter of [...waiters]) waiter.settle(error);
    },
    async waitApplied(bound, options) {
      fsm.waits.push(bound);
      await fsm.form;
      if (failure !== null) throw failure;
      if (bound.source !== fsm.source) throw new TokenMismatch('the bound is of another cluster');
      if (appliedIndex < bound.index) {
        if (fsm.installing) throw new SnapshotInstalling();
        const { signal, maxLag: limit } = options;
        if (bound.index - appliedIndex > limit) {
          throw new LagBehind({ required: bound.index, applied: appliedIndex, limit });
        }
        await wait(bound.index, signal);
      }
      fsm.betweenWaitAndView?.();
    },
    async read(bound, fn, options) {
      fsm.views.push(bound);
      await fsm.form;
      await fsm.beforeView?.(options.signal);
      if (failure !== null) throw failure;
      if (appliedIndex < bound.index) throw new Aborted({ required: bound.index, applied: appliedIndex });
      const view: View = { appliedIndex, ...fsm.exactness };
      return fn(new Map(state), view);
    },
  };
  return fsm;
}
