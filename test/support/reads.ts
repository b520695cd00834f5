/**
 * A leader and a state machine in the test's hands, for the read path alone. Nothing happens by itself: the test answers every
 * request and applies every entry, and can count all that a read might leave behind: waiters and listeners.
 */
import {
  Aborted,
  LagBehind,
  type LeaderHint,
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
  const count = countListeners(controller.signal);
  return { signal: controller.signal, abort: (reason) => controller.abort(reason), ...count };
}

/** Counts the abort listeners that are added to a signal from now on, less those that are removed or have been called. */
function countListeners(signal: AbortSignal): { readonly listeners: number } {
  const listening = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  Object.assign(signal, {
    addEventListener(type: string, listener: EventListener, options?: AddEventListenerOptions) {
      listening.add(listener);
      add(type, listener, options);
    },
    removeEventListener(type: string, listener: EventListener) {
      listening.delete(listener);
      remove(type, listener);
    },
  });
  return {
    get listeners() {
      return signal.aborted ? 0 : listening.size;
    },
  };
}

/** A request for a bound, as it arrived at the leader. */
export interface LeaderRequest {
  /** The leader's commit index when the request was sent: what the answer has to be at least. */
  readonly commitIndex: number;
  readonly signal: AbortSignal;
  /** False from the answer, the failure or the abort on. */
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
      return requests.filter((request) => request.pending).length;
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
  /** Waiters for an index, views being taken, and the listeners of both. */
  readonly waiters: number;
  readonly listeners: number;
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
  /** Puts another state in place, without waking anyone whose index it does not reach. */
  restore(index: number, state?: State): void;
  /** Settles when the index is reached but for the wake-up: called between the wait and the view. */
  betweenWaitAndView: (() => void) | null;
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
  settle(error: unknown): void;
}

export function scriptedFsm(): ScriptedFsm {
  const queued: Write[] = [];
  const waiters = new Set<Waiter>();
  let state = new Map<string, string>();
  let appliedIndex = 0;
  let listeners = 0;
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
        settle(error) {
          waiters.delete(waiter);
          if (!fsm.deaf) {
            signal.removeEventListener('abort', onAbort);
            listeners -= 1;
          }
          if (error === null) resolve();
          else reject(error);
        },
      };
      waiters.add(waiter);
      if (fsm.deaf) return;
      signal.addEventListener('abort', onAbort, { once: true });
      listeners += 1;
    });

  const fsm: ScriptedFsm = {
    source: SOURCE,
    replica: { id: 'n2', role: 'follower' },
    exactness: { exact: true },
    installing: false,
    deaf: false,
    betweenWaitAndView: null,
    beforeView: null,
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
      return waiters.size;
    },
    get listeners() {
      return listeners;
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
      await fsm.beforeView?.(options.signal);
      if (failure !== null) throw failure;
      if (appliedIndex < bound.index) throw new Aborted({ required: bound.index, applied: appliedIndex });
      const view: View = { appliedIndex, ...fsm.exactness };
      return fn(new Map(state), view);
    },
  };
  return fsm;
}
