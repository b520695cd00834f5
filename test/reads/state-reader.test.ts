/**
 * What each level promises, costs and answers, with every answer and every entry in the test's hands. What a read
 * refuses, and with which error, is here too; retries and what is left behind have files of their own.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ConsistentRead, QuorateError } from '../../packages/quorate/src/errors/index.js';
import {
  decodeToken,
  encodeToken,
  type Level,
  type ReadOptions,
  type ReadView,
  StateReader,
  type StateReaderOptions,
} from '../../packages/quorate/src/reads/index.js';
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

let clock: ManualClock;
let leader: ScriptedLeader;
let fsm: ScriptedFsm;
let reader: StateReader<State>;

beforeEach(() => {
  clock = new ManualClock();
  leader = scriptedLeader();
  fsm = scriptedFsm();
  reader = new StateReader({ leader, fsm, clock });
});

const token = (index: number, source = SOURCE) => encodeToken({ source, index });
const get = (options?: ReadOptions) => reader.consistentRead((tx) => tx.get('key') ?? null, options);

function written(index: number, value = `value-${index}`): void {
  fsm.queue({ index, key: 'key', value });
  fsm.apply();
}

describe('a linearizable read', () => {
  it('asks the leader, waits for the bound, and answers with bound, view and who served it', async () => {
    written(4);
    leader.commitIndex = 5;
    const read = get();
    await pass(clock, 3);
    leader.last.answer();
    await pass(clock, 2);
    expect(fsm.waits).toEqual([{ index: 5, term: 3, source: SOURCE }]);
    written(6);
    const { token: after, ...result } = await read;
    expect(result).toEqual({
      ...{ value: 'value-6', index: 5, term: 3, appliedIndex: 6, level: 'linearizable' },
      ...{ servedBy: 'n2', role: 'follower', waited: { boundMs: 3, applyMs: 2 } },
    });
    expect(decodeToken(after)).toMatchObject({ source: SOURCE, index: 6 });
  });

  it('does not answer before the state has the bound, although the leader has long answered', async () => {
    written(4);
    leader.commitIndex = 5;
    leader.script = 'answer';
    let answered = false;
    const read = get().then(() => {
      answered = true;
    });
    await pass(clock, 100);
    expect(answered).toBe(false);
    written(5);
    await read;
  });

  it('tells its function the bound, whose term fences a write, and the index of the very view', async () => {
    written(6);
    leader.commitIndex = 5;
    leader.script = 'answer';
    const seen: ReadView[] = [];
    await reader.consistentRead((_, view) => void seen.push(view));
    expect(seen[0]).toMatchObject({ index: 5, term: 3, source: SOURCE, appliedIndex: 6, exact: true });
    expect(seen[0]?.signal.aborted).toBe(false);
  });

  it('takes a token and minIndex as a floor: the bound is the largest of all', async () => {
    leader.commitIndex = 5;
    leader.script = 'answer';
    written(9);
    expect(await get({ token: token(4), minIndex: 3 })).toMatchObject({ index: 5 });
    expect(await get({ token: token(7), minIndex: 3 })).toMatchObject({ index: 7, term: 3 });
    expect(await get({ token: token(4), minIndex: 8 })).toMatchObject({ index: 8 });
  });

  it('waits for a floor above what the leader answered', async () => {
    leader.script = 'answer';
    written(4);
    const read = get({ minIndex: 6 });
    await settle();
    expect(fsm.waiters).toBe(1);
    written(6);
    expect(await read).toMatchObject({ value: 'value-6' });
  });
});

describe('a session read', () => {
  it('contains the view that its token came from, and asks no leader', async () => {
    written(4);
    const read = get({ level: 'session', token: token(5) });
    await settle();
    expect(fsm.waiters).toBe(1);
    written(5);
    expect(await read).toMatchObject({ value: 'value-5', index: 5, term: 0, appliedIndex: 5, level: 'session' });
    expect(leader.requests).toHaveLength(0);
  });

  it('needs a token or minIndex: it is never a local read in disguise', async () => {
    expect(await failure(get({ level: 'session' }))).toMatchObject({ code: 'InvalidArgument', field: 'token' });
    expect(fsm.views).toHaveLength(0);
  });

  it('takes the larger of both when it has both', async () => {
    written(9);
    expect(await get({ level: 'session', token: token(5), minIndex: 7 })).toMatchObject({ index: 7 });
  });

  it('of a token far beyond this replica fails at once with LagBehind', async () => {
    written(4);
    expect(await failure(get({ level: 'session', token: token(50), maxLag: 45 }))).toMatchObject({
      ...{ code: 'LagBehind', required: 50, applied: 4, limit: 45 },
    });
  });

  it('of a token that no other replica would serve either ends with the deadline', async () => {
    const read = failure(get({ level: 'session', token: token(50), timeoutMs: 20 }));
    await pass(clock, 20);
    expect(await read).toMatchObject({ code: 'Timeout', stage: 'apply' });
  });
});

describe('a local read', () => {
  it('answers with what is there: no bound, no term that could fence a write', async () => {
    written(4);
    fsm.queue({ index: 5, key: 'key', value: 'not applied' });
    expect(await get({ level: 'local' })).toMatchObject({
      ...{ value: 'value-4', index: 0, term: 0, appliedIndex: 4, level: 'local', token: token(4) },
    });
    expect(leader.requests).toHaveLength(0);
    expect(fsm.waits).toHaveLength(0);
  });

  it('refuses a floor, which it would not keep', async () => {
    expect(await failure(get({ level: 'local', token: token(1) }))).toMatchObject({ field: 'token' });
    expect(await failure(get({ level: 'local', minIndex: 1 }))).toMatchObject({ field: 'minIndex' });
  });
});

describe('a bound', () => {
  it('established once serves any number of reads, and the leader is asked once', async () => {
    leader.commitIndex = 5;
    leader.script = 'answer';
    const established = reader.waitLeaderCommitIndexApplied();
    await settle();
    expect(fsm.waiters).toBe(1);
    written(5);
    const bound = await established;
    expect(bound).toEqual({ index: 5, term: 3, source: SOURCE });
    leader.commitIndex = 6;
    for (let i = 0; i < 3; i++) expect(await get({ bound })).toMatchObject({ index: 5, term: 3 });
    expect(leader.requests).toHaveLength(1);
  });

  it('still has to be reached by the view: a replica that lost its state waits', async () => {
    written(5);
    const bound = { index: 5, term: 3, source: SOURCE };
    fsm.restore(3);
    const read = get({ bound });
    await settle();
    expect(fsm.waiters).toBe(1);
    written(5);
    expect(await read).toMatchObject({ value: 'value-5' });
  });

  it('of another cluster is refused', async () => {
    expect(await failure(get({ bound: { index: 1, term: 1, source: 'beef' } }))).toMatchObject({
      code: 'TokenMismatch',
    });
  });

  it('is for linearizable reads only, and may not be made up', async () => {
    const bound = { index: 1, term: 1, source: SOURCE };
    expect(await failure(get({ bound, level: 'local' }))).toMatchObject({ field: 'bound' });
    expect(await failure(get({ bound, level: 'session', minIndex: 1 }))).toMatchObject({ field: 'bound' });
    expect(await failure(get({ bound: { ...bound, index: -1 } }))).toMatchObject({ field: 'bound.index' });
    expect(await failure(get({ bound: { ...bound, term: 0.5 } }))).toMatchObject({ field: 'bound.term' });
  });

  it('that cannot be had fails with the reason itself, not with ConsistentRead: no read was asked for', async () => {
    const waited = reader.waitLeaderCommitIndexApplied({ timeoutMs: 10 }).catch((error: QuorateError) => error.code);
    await pass(clock, 10);
    expect(await waited).toBe('Timeout');
    leader.script = 'answer';
    leader.commitIndex = 50;
    await expect(reader.waitLeaderCommitIndexApplied({ maxLag: 10 })).rejects.toMatchObject({ code: 'LagBehind' });
  });
});

describe('a token', () => {
  it('holds the index of the view, never of the bound: time does not run backwards on the next replica', async () => {
    written(9);
    leader.script = 'answer';
    leader.commitIndex = 5;
    expect(decodeToken((await get()).token).index).toBe(9);
  });

  it('of a view that is not known exactly holds an upper limit of what it can contain', async () => {
    written(5);
    leader.script = 'answer';
    leader.commitIndex = 5;
    fsm.exactness = { exact: false, upperIndex: 8 };
    const result = await get();
    expect(result).toMatchObject({ appliedIndex: 5 });
    expect(decodeToken(result.token).index).toBe(8);
  });

  it('of another cluster, or malformed, is refused at once, at every level that takes one', async () => {
    for (const level of ['linearizable', 'session'] as const) {
      expect(await failure(get({ level, token: token(1, 'beef') }))).toMatchObject({ code: 'TokenMismatch' });
      expect(await failure(get({ level, token: 'garbage' }))).toMatchObject({ code: 'TokenMismatch' });
    }
    expect(leader.requests).toHaveLength(0);
  });
});

describe('while the cluster has not been formed', () => {
  beforeEach(() => {
    fsm.form = new Promise((resolve) => {
      formed = resolve;
    });
    fsm.source = '';
    leader.known = null;
  });
  let formed: () => void;

  function form(): void {
    fsm.source = SOURCE;
    formed();
  }

  it.each<ReadOptions>([{ level: 'session', token: token(0) }, { level: 'session', minIndex: 0 }, { level: 'local' }])(
    'a read waits, and is answered once it is: %o',
    async (options) => {
      const read = get(options);
      await pass(clock, 100);
      form();
      expect(await read).toMatchObject({ appliedIndex: 0, token: token(0) });
    },
  );

  it.each<ReadOptions>([{ level: 'session', token: token(0, 'beef') }, { token: token(0, 'beef') }])(
    'a token cannot be checked, and is checked as soon as it can: %o',
    async (options) => {
      leader.script = 'answer';
      const read = failure(get(options));
      await pass(clock, 100);
      form();
      expect(await read).toMatchObject({ code: 'TokenMismatch' });
    },
  );

  it.each<ReadOptions>([
    {},
    { level: 'session', token: token(0) },
    { level: 'session', minIndex: 0 },
    { level: 'local' },
  ])('a read ends with NoLeader when its time is over: %o', async (options) => {
    const read = failure(get({ ...options, timeoutMs: 10 }));
    await pass(clock, 10);
    expect(await read).toMatchObject({ code: 'NoLeader' });
  });
});

describe('options', () => {
  it.each<[ReadOptions, string]>([
    [{ level: 'lease' }, 'level'],
    [{ level: 'bounded' }, 'level'],
    [{ level: 'strong' as Level }, 'level'],
    [{ minIndex: -1 }, 'minIndex'],
    [{ minIndex: 1.5 }, 'minIndex'],
    [{ minIndex: 2 ** 53 }, 'minIndex'],
    [{ minIndex: '7' as unknown as number }, 'minIndex'],
    [{ maxLag: -1 }, 'maxLag'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs'],
    [{ timeoutMs: 2 ** 31 }, 'timeoutMs'],
  ])('of a read out of range are refused by name: %o', async (options, field) => {
    const error = (await get(options).catch((caught) => caught)) as ConsistentRead;
    expect(error).toMatchObject({ code: 'ConsistentRead', reason: 'InvalidArgument', retryable: false });
    expect(error.cause).toMatchObject({ field });
    expect(leader.requests).toHaveLength(0);
  });

  it('of a level that is to come say so', async () => {
    expect(await failure(get({ level: 'lease' }))).toMatchObject({ message: expect.stringContaining('not there yet') });
  });

  it('at their limits are taken', async () => {
    written(4);
    leader.script = 'answer';
    await get({ minIndex: 0, maxLag: 0, timeoutMs: 2 ** 31 - 1 });
    expect(await failure(get({ minIndex: Number.MAX_SAFE_INTEGER }))).toMatchObject({ code: 'LagBehind' });
  });

  it.each<[StateReaderOptions, string]>([
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ maxLag: 1.5 }, 'maxLag'],
    [{ maxWaiting: 0 }, 'maxWaiting'],
    [{ maxInFlight: 0 }, 'maxInFlight'],
    [{ requestTimeoutMs: -1 }, 'requestTimeoutMs'],
  ])('of a reader out of range are refused when it is made: %o', (options, field) => {
    expect(() => new StateReader({ leader, fsm, clock, options })).toThrow(expect.objectContaining({ field }));
  });

  it('of the reader are the defaults of its reads', async () => {
    reader = new StateReader({ leader, fsm, clock, options: { timeoutMs: 7, maxLag: 3 } });
    const read = failure(get());
    await pass(clock, 7);
    expect(await read).toMatchObject({ code: 'Timeout', timeoutMs: 7 });
    leader.script = 'answer';
    leader.commitIndex = 4;
    expect(await failure(get())).toMatchObject({ code: 'LagBehind', limit: 3 });
  });
});

describe('the function', () => {
  beforeEach(() => {
    written(1);
    leader.script = 'answer';
  });

  it('throws what it throws: nothing is wrapped, synchronous or not, whatever it looks like', async () => {
    const own = new TypeError('mine');
    await expect(reader.consistentRead(() => Promise.reject(own))).rejects.toBe(own);
    for (const thrown of [own, null, 'text', (await failure(get({ level: 'lease' }))) as unknown]) {
      const caught = await reader
        .consistentRead(() => {
          throw thrown;
        })
        .catch((error: unknown) => error);
      expect(caught).toBe(thrown);
    }
  });

  it('may take longer than the deadline, which ended when it started', async () => {
    let finish: (value: string) => void = () => {};
    const read = reader.consistentRead(
      () =>
        new Promise<string>((resolve) => {
          finish = resolve;
        }),
      { timeoutMs: 10 },
    );
    await pass(clock, 100);
    finish('late');
    expect(await read).toMatchObject({ value: 'late' });
  });

  it('is told of the abort of its caller, and decides itself what becomes of it', async () => {
    const controller = new AbortController();
    let signal: AbortSignal | null = null;
    let finish: () => void = () => {};
    const read = reader.consistentRead(
      (tx, view) => {
        signal = view.signal;
        return new Promise<string>((resolve) => {
          finish = () => resolve(tx.get('key') ?? '');
        });
      },
      { signal: controller.signal },
    );
    await settle();
    controller.abort('enough');
    await settle();
    expect(signal).toMatchObject({ aborted: true, reason: 'enough' });
    finish();
    expect(await read).toMatchObject({ value: 'value-1' });
  });

  it('sees the role that the replica had when the view was taken', async () => {
    const read = reader.consistentRead(async () => {
      fsm.replica = { id: 'n2', role: 'leader' };
    });
    expect(await read).toMatchObject({ servedBy: 'n2', role: 'follower' });
  });

  it('never runs on a view below the bound, even if a state machine hands one out', async () => {
    fsm.read = async (_, fn) => fn(fsm.state, { appliedIndex: 0, exact: true });
    leader.commitIndex = 1;
    let ran = false;
    const error = await reader
      .consistentRead(() => {
        ran = true;
      })
      .catch((caught: ConsistentRead) => caught.cause);
    expect(error).toMatchObject({ code: 'InvariantViolation' });
    expect(ran).toBe(false);
  });
});
