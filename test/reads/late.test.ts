/**
 * What comes late, or in the very moment in which something else ends: a view, an answer, a restore, an abort. Each
 * must find the read as it is by then, and never as it was; that its function did not run must stay true when it was
 * said.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { TokenMismatch } from '../../packages/quorate/src/errors/index.js';
import { type Fsm, StateReader } from '../../packages/quorate/src/reads/index.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  failure,
  pass,
  type ScriptedFsm,
  type ScriptedLeader,
  SOURCE,
  type State,
  scriptedFsm,
  scriptedLeader,
  settle,
} from '../support/reads.js';

const REQUEST_TIMEOUT_MS = 100;

let clock: ManualClock;
let leader: ScriptedLeader;
let fsm: ScriptedFsm;
let reader: StateReader<State>;

beforeEach(() => {
  clock = new ManualClock();
  leader = scriptedLeader();
  leader.script = 'answer';
  fsm = scriptedFsm();
  reader = new StateReader({ leader, fsm, clock, options: { requestTimeoutMs: REQUEST_TIMEOUT_MS } });
});

describe('a view', () => {
  it('that is there in the moment in which the deadline passes comes too late: the function does not run', async () => {
    let views = 0;
    let runs = 0;
    fsm.beforeView = (signal) =>
      new Promise((resolve) => {
        // A state that takes the end of the wait for a reason to hurry, and hands out its view all the same.
        signal.addEventListener('abort', () => resolve(), { once: true });
        views += 1;
      });
    const read = failure(reader.consistentRead(() => runs++, { timeoutMs: 10 }));
    await pass(clock, 9);
    expect(views).toBe(1);
    await pass(clock, 1);
    expect(await read).toMatchObject({ code: 'Timeout', stage: 'view' });
    expect(runs).toBe(0);
  });

  it('of a history that was put in place since the wait is not shown: the bound means nothing in it', async () => {
    let runs = 0;
    fsm.betweenWaitAndView = () => {
      fsm.source = 'beef';
      fsm.restore(1_000);
    };
    expect(await failure(reader.consistentRead(() => runs++))).toBeInstanceOf(TokenMismatch);
    expect(runs).toBe(0);
  });
});

describe('an abort', () => {
  it('takes no answer from a function that runs, not even one that started before anything could wait', async () => {
    const controller = new AbortController();
    const immediate: Fsm<State> = {
      source: SOURCE,
      replica: { id: 'n2', role: 'follower' },
      waitApplied: () => Promise.resolve(),
      // Not asynchronous: the function starts within the call.
      read: (_bound, fn) => Promise.resolve(fn(new Map(), { appliedIndex: 0, exact: true })),
    };
    const reading = new StateReader({ leader, fsm: immediate, clock });
    let finish: (value: string) => void = () => {
      throw new Error('the function has not started');
    };
    const read = reading.consistentRead(() => new Promise<string>((resolve) => (finish = resolve)), {
      signal: controller.signal,
    });
    await settle();
    controller.abort();
    await settle();
    finish('what it was about to return');
    expect(await read).toMatchObject({ value: 'what it was about to return' });
    expect(clock.timers).toBe(0);
  });
});

describe('an answer of the leader', () => {
  it('that comes after its request timed out frees no place a second time', async () => {
    leader.script = 'by hand';
    leader.deaf = true;
    const reads = [reader.consistentRead((_, view) => view.index)];
    await pass(clock, REQUEST_TIMEOUT_MS);
    expect(leader.requests).toHaveLength(2);
    reads.push(reader.consistentRead((_, view) => view.index));
    await settle();
    leader.requests[0]?.answer(0);
    await settle();
    expect(leader.requests).toHaveLength(2);
    leader.script = 'answer';
    leader.requests[1]?.answer(0);
    await Promise.all(reads);
    expect(leader.requests).toHaveLength(3);
    expect(clock.timers).toBe(0);
  });
});
