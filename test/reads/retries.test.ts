/**
 * What is tried again and what is not (R5, R7): loss costs a retry within the caller's deadline, a bound once given
 * is kept, and nothing is tried without a pause. A read that never catches up because each try asks for more was
 * published as P29.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  Aborted,
  InvariantViolation,
  LagBehind,
  LeadershipLost,
  NoLeader,
  NotLeader,
  NotMember,
  Overloaded,
  SnapshotInstalling,
  Stopped,
  Timeout,
  TokenMismatch,
  TransferInProgress,
} from '../../packages/quorate/src/errors/index.js';
import { type ReadOptions, StateReader } from '../../packages/quorate/src/reads/index.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  failure,
  pass,
  type ScriptedFsm,
  type ScriptedLeader,
  type State,
  scriptedFsm,
  scriptedLeader,
  settle,
} from '../support/reads.js';

let clock: ManualClock;
let leader: ScriptedLeader;
let fsm: ScriptedFsm;
let reader: StateReader<State>;
let ran: number;

beforeEach(() => {
  clock = new ManualClock();
  leader = scriptedLeader();
  fsm = scriptedFsm();
  reader = new StateReader({ leader, fsm, clock, options: { requestTimeoutMs: 500 } });
  ran = 0;
});

function read(options?: ReadOptions) {
  return reader.consistentRead((tx) => {
    ran += 1;
    return tx.get('key') ?? null;
  }, options);
}

function written(index: number, value = `value-${index}`): void {
  fsm.queue({ index, key: 'key', value });
  fsm.apply();
}

describe('a leader that is lost', () => {
  it.each([new NotLeader(), new LeadershipLost(), new NoLeader(), new TransferInProgress()])(
    'costs a retry, not an error: $code',
    async (error) => {
      written(7);
      const answer = read();
      await settle();
      leader.last.fail(error);
      await pass(clock, 1);
      expect(leader.requests).toHaveLength(2);
      leader.term = 4;
      leader.last.answer(7);
      expect(await answer).toMatchObject({ value: 'value-7', index: 7 });
      expect(ran).toBe(1);
    },
  );

  it('costs a retry also when its request hangs: it is asked again after one election timeout', async () => {
    written(7);
    const answer = read();
    await pass(clock, 500);
    expect(leader.requests).toHaveLength(2);
    leader.last.answer(7);
    expect(await answer).toMatchObject({ value: 'value-7', waited: { boundMs: 500, applyMs: 0 } });
  });

  it('is asked again for as long as the caller waits, in growing pauses: never in a loop', async () => {
    leader.script = new LeadershipLost();
    const answer = read({ timeoutMs: 5_000 });
    await pass(clock, 4_000);
    expect(leader.requests.length).toBeGreaterThan(60);
    expect(leader.requests.length).toBeLessThan(120);
    leader.script = 'answer';
    written(7);
    await pass(clock, 50);
    expect(await answer).toMatchObject({ value: 'value-7' });
  });

  it('is asked by one request at a time for all who wait, however many', async () => {
    leader.script = new NotLeader();
    const answers = Array.from({ length: 500 }, () => read());
    await pass(clock, 200);
    expect(leader.requests.length).toBeLessThan(15);
    leader.script = 'answer';
    await pass(clock, 50);
    await Promise.all(answers);
  });

  it('fails the read only at its deadline: with Timeout, which names the stage and the last failure', async () => {
    leader.script = new LeadershipLost();
    const answer = failure(read({ timeoutMs: 100 }));
    await pass(clock, 99);
    expect(ran).toBe(0);
    await pass(clock, 1);
    expect(await answer).toMatchObject({
      ...{ code: 'Timeout', stage: 'bound', timeoutMs: 100, leader: { id: 'n1' }, cause: { code: 'LeadershipLost' } },
    });
  });

  it('and not followed by another one fails the read with NoLeader, not with Timeout', async () => {
    leader.known = null;
    const answer = failure(read({ timeoutMs: 100 }));
    await pass(clock, 100);
    expect(await answer).toMatchObject({ code: 'NoLeader', leader: null });
  });

  it('after it gave the bound changes nothing: the bound stays valid and is not asked for again', async () => {
    leader.commitIndex = 5;
    const answer = read();
    await settle();
    leader.last.answer();
    await settle();
    leader.known = null;
    leader.script = new LeadershipLost();
    leader.commitIndex = 900;
    await pass(clock, 1_000);
    written(5);
    expect(await answer).toMatchObject({ index: 5, value: 'value-5' });
    expect(leader.requests).toHaveLength(1);
  });
});

describe('what another try cannot help fails at once', () => {
  it.each([
    new Overloaded({ queue: 'waiting reads', limit: 1 }),
    new Stopped(),
    new NotMember('n2 was removed'),
    new InvariantViolation('something', {}),
    new TypeError('a defect of the leader'),
  ])('when the leader fails with $name', async (error) => {
    leader.script = error;
    await expect(read()).rejects.toMatchObject({ code: 'ConsistentRead', cause: error, reason: error.name });
    expect(leader.requests).toHaveLength(1);
  });

  it.each([
    new LagBehind({ required: 9, applied: 1, limit: 2 }),
    new SnapshotInstalling(),
    new Overloaded({ queue: 'waiting reads', limit: 1 }),
    new TokenMismatch('foreign'),
    new Stopped(),
    new TypeError('a defect of the state machine'),
  ])('when the state fails with $name, while it is waited for or when the view is taken', async (error) => {
    leader.script = 'answer';
    fsm.fail(error);
    await expect(read()).rejects.toMatchObject({ cause: error });
    expect(fsm.waits).toHaveLength(1);
    fsm.waitApplied = () => Promise.resolve();
    await expect(read()).rejects.toMatchObject({ cause: error });
    expect(fsm.views).toHaveLength(1);
    expect(ran).toBe(0);
  });

  it('retryable and leader of the read are those of its cause', async () => {
    leader.script = 'answer';
    leader.commitIndex = 50;
    await expect(read({ maxLag: 10 })).rejects.toMatchObject({ code: 'ConsistentRead', retryable: true });
    await expect(read({ level: 'session' })).rejects.toMatchObject({ code: 'ConsistentRead', retryable: false });
  });

  it('the bound of a read that lagged is in its error, as the floor of the next try anywhere (R5)', async () => {
    leader.script = 'answer';
    leader.commitIndex = 50;
    const error = (await failure(read({ maxLag: 10 }))) as LagBehind;
    written(50);
    expect(await read({ level: 'session', minIndex: error.required })).toMatchObject({ value: 'value-50' });
  });
});

describe('lag (R8)', () => {
  it('is measured between the bound and what readers see, and may be as large as allowed', async () => {
    leader.script = 'answer';
    leader.commitIndex = 50;
    written(40);
    const answer = read({ maxLag: 10 });
    await settle();
    expect(fsm.waiters).toBe(1);
    written(50);
    await answer;
    fsm.restore(39);
    expect(await failure(read({ maxLag: 10 }))).toMatchObject({ required: 50, applied: 39, limit: 10 });
  });

  it('does not matter while a snapshot installs: what the old state covers is served, the rest fails', async () => {
    leader.script = 'answer';
    leader.commitIndex = 5;
    written(5);
    fsm.installing = true;
    expect(await read()).toMatchObject({ value: 'value-5' });
    leader.commitIndex = 6;
    expect(await failure(read())).toMatchObject({ code: 'SnapshotInstalling' });
  });
});

describe('an older state that is put in place between the wait and the view', () => {
  beforeEach(() => {
    written(5);
    leader.commitIndex = 5;
    leader.script = 'answer';
  });

  it('aborts the view, and the read goes on with the same bound: its function has not seen it (R7, P24)', async () => {
    fsm.betweenWaitAndView = () => {
      fsm.betweenWaitAndView = null;
      fsm.restore(2, new Map([['key', 'older']]));
    };
    leader.commitIndex = 5;
    const answer = read();
    await settle();
    leader.commitIndex = 900;
    await pass(clock, 100);
    expect([ran, fsm.waiters]).toEqual([0, 1]);
    written(5, 'again');
    expect(await answer).toMatchObject({ value: 'again', index: 5 });
    expect(fsm.views.map(({ index }) => index)).toEqual([5, 5]);
    expect(leader.requests).toHaveLength(1);
    expect(ran).toBe(1);
  });

  it('is served in peace by a restore that covers the bound, which wakes those who wait for it (R6, P22)', async () => {
    leader.commitIndex = 8;
    const answer = read();
    await settle();
    fsm.restore(9, new Map([['key', 'restored']]));
    expect(await answer).toMatchObject({ value: 'restored', index: 8, appliedIndex: 9 });
  });

  it('again and again fails the read at its deadline, tried in growing pauses', async () => {
    fsm.read = async (bound) => {
      fsm.views.push(bound);
      throw new Aborted({ required: 5, applied: 2 });
    };
    const answer = failure(read({ timeoutMs: 1_000 }));
    await pass(clock, 1_000);
    expect(await answer).toMatchObject({ code: 'Timeout', stage: 'apply', cause: { code: 'Aborted' } });
    expect(fsm.views.length).toBeLessThan(30);
    expect(ran).toBe(0);
  });

  it('is no reason to run a function twice: an Aborted that it throws itself is its own', async () => {
    const own = new Aborted({ required: 1, applied: 0 });
    const answer = reader.consistentRead(() => {
      ran += 1;
      throw own;
    });
    await expect(answer).rejects.toBe(own);
    expect(ran).toBe(1);
  });

  it('makes a read on a bound of old wait as well, and a session read', async () => {
    for (const options of [
      { bound: { index: 5, term: 3, source: fsm.source } },
      { level: 'session', minIndex: 5 },
    ] as const) {
      fsm.betweenWaitAndView = () => {
        fsm.betweenWaitAndView = null;
        fsm.restore(2);
      };
      const answer = read(options);
      await pass(clock, 10);
      expect(fsm.waiters).toBe(1);
      written(5);
      expect(await answer).toMatchObject({ index: 5 });
    }
    expect(leader.requests).toHaveLength(0);
  });
});

describe('who waits for the state (R6)', () => {
  it('wakes for every kind of entry, also for one without a command', async () => {
    leader.script = 'answer';
    leader.commitIndex = 5;
    const answer = read();
    await settle();
    fsm.queue({ index: 5 });
    await pass(clock, 50);
    expect(ran).toBe(0);
    fsm.apply();
    expect(await answer).toMatchObject({ value: null, appliedIndex: 5, waited: { applyMs: 50 } });
  });

  it('is told by an event: no time passes between the entry and the answer', async () => {
    leader.script = 'answer';
    leader.commitIndex = 5;
    const answers = Array.from({ length: 20 }, () => read());
    await settle();
    written(5);
    const before = clock.monotonicMs();
    await Promise.all(answers);
    expect(clock.monotonicMs()).toBe(before);
  });
});

describe('a deadline', () => {
  it.each([
    ['bound', () => {}],
    [
      'apply',
      () => {
        leader.script = 'answer';
        leader.commitIndex = 5;
      },
    ],
    [
      'view',
      () => {
        leader.script = 'answer';
        fsm.beforeView = () => new Promise(() => {});
      },
    ],
  ] as const)('names the stage it passed in: %s', async (stage, arrange) => {
    arrange();
    const answer = failure(read({ timeoutMs: 30 }));
    await pass(clock, 30);
    const error = await answer;
    expect(error).toBeInstanceOf(Timeout);
    expect(error).toMatchObject({ stage, timeoutMs: 30, leader: { id: 'n1' } });
  });

  it('without a leader is NoLeader also for a state that stands still', async () => {
    leader.script = 'answer';
    leader.commitIndex = 5;
    leader.known = null;
    const answer = failure(read({ timeoutMs: 30 }));
    await pass(clock, 30);
    expect(await answer).toMatchObject({ code: 'NoLeader' });
  });
});
