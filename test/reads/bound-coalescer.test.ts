/**
 * How requests for a bound are shared (R3, R9), with every answer in the test's hands. A call that joins a request
 * sent before it may get a bound from before a write that was acknowledged to it: published as P8 of what went wrong
 * elsewhere.
 */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Canceled, LeadershipLost, NotLeader, Overloaded, Timeout } from '../../packages/quorate/src/errors/index.js';
import { BoundCoalescer } from '../../packages/quorate/src/reads/bound-coalescer.js';
import { Deadline } from '../../packages/quorate/src/reads/deadline.js';
import type { ReadIndex } from '../../packages/quorate/src/reads/leader.js';
import { ManualClock } from '../support/manual-clock.js';
import { pass, type ScriptedLeader, scriptedLeader, settle } from '../support/reads.js';

const REQUEST_TIMEOUT_MS = 500;

let clock: ManualClock;
let leader: ScriptedLeader;
let coalescer: BoundCoalescer;

function createDeadline(signal?: AbortSignal): Deadline {
  const expired = () => new Timeout({ stage: 'bound', timeoutMs: 60_000 });
  return new Deadline({ clock, timeoutMs: 60_000, signal, expired, waited: () => {} });
}

/** A caller with a deadline of its own. */
function call(from: BoundCoalescer = coalescer): Caller {
  const controller = new AbortController();
  const deadline = createDeadline(controller.signal);
  const caller: Caller = { outcome: null, abort: () => controller.abort() };
  from
    .readIndex(deadline)
    .then(
      (bound) => {
        caller.outcome = bound;
      },
      (error: Error) => {
        caller.outcome = error;
      },
    )
    .finally(() => deadline.dispose());
  return caller;
}

interface Caller {
  /** Null while it waits. */
  outcome: ReadIndex | Error | null;
  abort(): void;
}

beforeEach(() => {
  clock = new ManualClock();
  leader = scriptedLeader();
  coalescer = create(1);
});

function create(maxInFlight: number): BoundCoalescer {
  return new BoundCoalescer({ leader, clock, options: { maxInFlight, requestTimeoutMs: REQUEST_TIMEOUT_MS } });
}

describe('calls share a request', () => {
  it('when they are made in the same turn, and the request leaves before anything else happens', async () => {
    const calls = [call(), call(), call()];
    expect(leader.requests).toHaveLength(0);
    await Promise.resolve();
    expect(leader.requests).toHaveLength(1);
    leader.last.answer(7);
    await settle();
    for (const { outcome } of calls) expect(outcome).toMatchObject({ index: 7, term: 3 });
  });

  it('never one that was sent before: a call waits for the next, although an answer is about to come', async () => {
    leader.commitIndex = 5;
    const early = call();
    await settle();
    leader.commitIndex = 6;
    const late = call();
    leader.last.answer();
    await settle();
    expect(early.outcome).toMatchObject({ index: 5 });
    expect(late.outcome).toBeNull();
    expect(leader.requests).toHaveLength(2);
    leader.last.answer();
    await settle();
    expect(late.outcome).toMatchObject({ index: 6 });
  });

  it('all that came while one was under way leave together when it ends, even if it failed', async () => {
    call();
    await settle();
    const waiting = [call(), call()];
    await settle();
    waiting.push(call());
    await settle();
    expect(leader.requests).toHaveLength(1);
    leader.last.fail(new NotLeader());
    await pass(clock, 1);
    expect(leader.requests).toHaveLength(2);
    leader.last.answer(9);
    await settle();
    for (const { outcome } of waiting) expect(outcome).toMatchObject({ index: 9 });
  });

  it('and as many requests are under way as are allowed, each for the calls made since the one before', async () => {
    coalescer = create(3);
    const calls: Caller[] = [];
    for (let i = 0; i < 5; i++) {
      calls.push(call());
      await settle();
    }
    expect(leader.requests).toHaveLength(3);
    leader.requests[1]?.answer(2);
    await settle();
    expect(leader.requests).toHaveLength(4);
    leader.requests[3]?.answer(4);
    leader.requests[0]?.answer(1);
    leader.requests[2]?.answer(3);
    await settle();
    expect(calls.map(({ outcome }) => (outcome as ReadIndex).index)).toEqual([1, 2, 3, 4, 4]);
  });

  it('also when one is made by a caller who has just been answered', async () => {
    leader.commitIndex = 1;
    const first = call();
    const deadline = createDeadline();
    const chained = coalescer.readIndex(deadline).then(() => coalescer.readIndex(deadline));
    await settle();
    leader.commitIndex = 2;
    leader.last.answer();
    await settle();
    expect(first.outcome).toMatchObject({ index: 1 });
    expect(leader.requests).toHaveLength(2);
    leader.last.answer();
    expect(await chained).toMatchObject({ index: 2 });
    deadline.dispose();
  });
});

describe('a request that hangs', () => {
  it('fails at its deadline with a Timeout that may be retried, and is aborted', async () => {
    const caller = call();
    await pass(clock, REQUEST_TIMEOUT_MS - 1);
    expect(caller.outcome).toBeNull();
    await pass(clock, 1);
    expect(caller.outcome).toMatchObject({ code: 'Timeout', retryable: true, timeoutMs: REQUEST_TIMEOUT_MS });
    expect(leader.last.signal.aborted).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it('does not hold back the next one longer than that, even if its leader does not listen', async () => {
    leader.deaf = true;
    call();
    await settle();
    const next = call();
    await pass(clock, REQUEST_TIMEOUT_MS);
    expect(leader.requests).toHaveLength(2);
    leader.requests[0]?.answer(1);
    await settle();
    expect(next.outcome).toBeNull();
    leader.requests[1]?.answer(2);
    await settle();
    expect(next.outcome).toMatchObject({ index: 2 });
    expect(clock.timers).toBe(0);
  });
});

describe('a caller who aborts', () => {
  it('is removed alone: the others get their answer', async () => {
    const [leaving, staying] = [call(), call()];
    await settle();
    leaving.abort();
    await settle();
    expect(leaving.outcome).toBeInstanceOf(Canceled);
    expect(leader.last.pending).toBe(true);
    leader.last.answer(4);
    await settle();
    expect(staying.outcome).toMatchObject({ index: 4 });
  });

  it('as the last of a request ends the request, and the next one leaves', async () => {
    const leaving = [call(), call()];
    await settle();
    const next = call();
    for (const caller of leaving) caller.abort();
    await settle();
    expect(leader.requests[0]?.signal.aborted).toBe(true);
    expect(leader.requests).toHaveLength(2);
    leader.last.answer(4);
    await settle();
    expect(next.outcome).toMatchObject({ index: 4 });
    expect(clock.timers).toBe(0);
  });

  it('before the request has left is not waited for: nothing is sent', async () => {
    const caller = call();
    caller.abort();
    await settle();
    expect(leader.requests).toHaveLength(0);
    expect(clock.timers).toBe(0);
  });

  it('during the pause after a failure leaves no timer behind', async () => {
    call();
    await settle();
    leader.last.fail(new NotLeader());
    await settle();
    const caller = call();
    await settle();
    expect(clock.timers).toBe(2);
    caller.abort();
    await settle();
    expect(clock.timers).toBe(0);
    expect(leader.requests).toHaveLength(1);
  });
});

describe('after a failure', () => {
  it('the next request waits for a pause that grows up to a heartbeat interval, whoever asks', async () => {
    const sentAtMs: number[] = [];
    leader.readIndex = () => {
      sentAtMs.push(clock.monotonicMs());
      return Promise.reject(new LeadershipLost());
    };
    for (let ms = 0; ms < 400; ms++) {
      call();
      await pass(clock, 1);
    }
    const gaps = sentAtMs.slice(1).map((at, i) => at - (sentAtMs[i] as number));
    expect(gaps.slice(0, 6)).toEqual([1, 2, 4, 8, 16, 32]);
    expect(new Set(gaps.slice(6))).toEqual(new Set([50]));
  });

  it('an answer ends the pause at once, also for those who wait for it already', async () => {
    coalescer = create(2);
    const first = call();
    await settle();
    call();
    await settle();
    leader.requests[1]?.fail(new NotLeader());
    const next = call();
    await settle();
    expect(leader.requests).toHaveLength(2);
    leader.requests[0]?.answer(1);
    await settle();
    expect(first.outcome).toMatchObject({ index: 1 });
    expect(leader.requests).toHaveLength(3);
    leader.last.answer(2);
    await settle();
    expect(next.outcome).toMatchObject({ index: 2 });
    expect(clock.timers).toBe(0);
  });

  it('of several requests at once the pause grows by one step', async () => {
    coalescer = create(4);
    for (let i = 0; i < 4; i++) {
      call();
      await settle();
    }
    for (const request of leader.requests) request.fail(new LeadershipLost());
    await settle();
    call();
    await pass(clock, 1);
    expect(leader.requests).toHaveLength(5);
  });

  it('everyone who waited for the request gets it, and a leader that throws at once is no exception', async () => {
    leader.readIndex = () => {
      throw new Overloaded({ queue: 'waiting reads', limit: 1 });
    };
    const callers = [call(), call()];
    await settle();
    for (const { outcome } of callers) expect(outcome).toBeInstanceOf(Overloaded);
    expect(clock.timers).toBe(0);
  });
});

/** What happens next. Numbers choose among what is there at the moment. */
type Step =
  | { readonly does: 'call' }
  | { readonly does: 'write' }
  | { readonly does: 'answer'; readonly which: number }
  | { readonly does: 'fail'; readonly which: number }
  | { readonly does: 'abort'; readonly which: number }
  | { readonly does: 'pass'; readonly ms: number }
  | { readonly does: 'settle' };

const which = fc.nat(7);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Step>({ does: 'call' }) },
  { weight: 4, arbitrary: fc.constant<Step>({ does: 'write' }) },
  { weight: 4, arbitrary: fc.constant<Step>({ does: 'settle' }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('answer' as const), which }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('fail' as const), which }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('abort' as const), which }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('pass' as const), ms: fc.nat(40) }) },
);

interface CheckedCall extends Caller {
  /** What was acknowledged before the call: its bound may not be lower. */
  readonly acknowledged: number;
}

async function run(steps: readonly Step[], maxInFlight: number, deaf: boolean): Promise<readonly CheckedCall[]> {
  clock = new ManualClock();
  leader = scriptedLeader();
  leader.deaf = deaf;
  const shared = create(maxInFlight);
  const calls: CheckedCall[] = [];
  const take = <T>(all: readonly T[], at: number) => all[at % Math.max(1, all.length)];
  const pending = () => leader.requests.filter((request) => request.pending);
  for (const next of steps) {
    if (next.does === 'call') calls.push(Object.assign(call(shared), { acknowledged: leader.commitIndex }));
    else if (next.does === 'write') leader.commitIndex += 1;
    else if (next.does === 'settle') await settle();
    else if (next.does === 'pass') await pass(clock, next.ms);
    else if (next.does === 'abort') take(calls, next.which)?.abort();
    else if (next.does === 'answer') take(pending(), next.which)?.answer();
    else take(pending(), next.which)?.fail(new LeadershipLost());
    if (!deaf) expect(leader.pending).toBeLessThanOrEqual(maxInFlight);
  }
  // Everything ends: what is asked from now on is answered, what hangs runs into its deadline.
  leader.script = 'answer';
  await pass(clock, 2 * REQUEST_TIMEOUT_MS);
  return calls;
}

describe('in any order of calls, writes, answers, failures and aborts', () => {
  it.each([
    { maxInFlight: 1, deaf: false },
    { maxInFlight: 4, deaf: false },
    { maxInFlight: 2, deaf: true },
  ])('a bound is never older than its call, every call ends, nothing is left ($maxInFlight, $deaf)', async (with_) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const calls = await run(steps, with_.maxInFlight, with_.deaf);
        for (const { outcome, acknowledged } of calls) {
          expect(outcome).not.toBeNull();
          if (outcome instanceof Error) continue;
          expect(outcome?.index).toBeGreaterThanOrEqual(acknowledged);
        }
        expect(clock.timers).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
