/**
 * Every way in which a read can end, and that it leaves no waiter, timer, listener, request or place behind (R9). A
 * waiter that stays is memory that grows and a queue that fills while one peer is dead: published as P36.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  Aborted,
  LeadershipLost,
  NotMember,
  type QuorateError,
  Stopped,
} from '../../packages/quorate/src/errors/index.js';
import {
  encodeToken,
  type ReadOptions,
  StateReader,
  type WaitOptions,
} from '../../packages/quorate/src/reads/index.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  type CountedSignal,
  countedSignal,
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

const MAX_WAITING = 8;

let clock: ManualClock;
let leader: ScriptedLeader;
let fsm: ScriptedFsm;
let reader: StateReader<State>;
let caller: CountedSignal;
let ran: number;
let originalRead: ScriptedFsm['read'];

beforeEach(() => {
  clock = new ManualClock();
  leader = scriptedLeader();
  fsm = scriptedFsm();
  originalRead = fsm.read;
  reader = new StateReader({ leader, fsm, clock, options: { maxWaiting: MAX_WAITING, requestTimeoutMs: 500 } });
  caller = countedSignal();
  ran = 0;
});

function read(options: ReadOptions = {}) {
  return reader.consistentRead(
    (tx) => {
      ran += 1;
      return tx.get('key') ?? null;
    },
    { signal: caller.signal, ...options },
  );
}

function written(index: number): void {
  fsm.queue({ index, key: 'key', value: `value-${index}` });
  fsm.apply();
}

/** Everything is well again: leader and state answer. */
function recover(): void {
  Object.assign(leader, { script: 'answer', deaf: false, commitIndex: 0 });
  Object.assign(fsm, { read: originalRead, deaf: false, beforeView: null });
  for (const request of leader.requests) if (request.pending) request.answer(0);
}

/** Counts what is left, and proves that every place in the queue is free again. */
async function expectNothingLeft(): Promise<void> {
  await settle();
  const left = { waiters: fsm.waiters, atCaller: caller.listeners, requests: leader.pending };
  expect({ ...left, timers: clock.timers }).toEqual({ waiters: 0, atCaller: 0, requests: 0, timers: 0 });
  recover();
  const floor = fsm.appliedIndex;
  const all = Array.from({ length: MAX_WAITING }, () => [
    reader.consistentRead(() => null),
    reader.consistentRead(() => null, { level: 'session', minIndex: floor }),
  ]);
  await pass(clock, 60);
  await Promise.all(all.flat());
}

/** What a read meets so that it waits in a stage, and how long it takes to get there. */
interface Stage {
  readonly name: string;
  readonly arrange: () => void;
  readonly afterMs: number;
}

const never = () => new Promise<void>(() => {});

const stages: readonly Stage[] = [
  { name: 'while the leader is asked', arrange: () => {}, afterMs: 5 },
  {
    name: 'while a leader that does not listen is asked',
    arrange: () => {
      leader.deaf = true;
    },
    afterMs: 5,
  },
  {
    name: 'in the pause after a failure',
    arrange: () => {
      leader.script = new LeadershipLost();
    },
    afterMs: 40,
  },
  {
    name: 'while the state is behind',
    arrange: () => {
      leader.script = 'answer';
      leader.commitIndex = 5;
    },
    afterMs: 5,
  },
  {
    name: 'while the state is behind and does not listen',
    arrange: () => {
      leader.script = 'answer';
      leader.commitIndex = 5;
      fsm.deaf = true;
    },
    afterMs: 5,
  },
  {
    name: 'in the pause after an aborted view',
    arrange: () => {
      leader.script = 'answer';
      fsm.read = () => Promise.reject(new Aborted({ required: 5, applied: 2 }));
    },
    afterMs: 40,
  },
  {
    name: 'while a view is taken',
    arrange: () => {
      leader.script = 'answer';
      fsm.beforeView = never;
    },
    afterMs: 5,
  },
];

/** Brings a read to a stage. */
async function begin(stage: Stage, options?: ReadOptions): Promise<{ readonly error: Promise<QuorateError> }> {
  stage.arrange();
  const error = failure(read(options));
  await pass(clock, stage.afterMs);
  expect(ran).toBe(0);
  return { error };
}

describe.each(stages)('$name', (stage) => {
  it('a caller that aborts ends its read with Canceled, and leaves nothing behind', async () => {
    const { error } = await begin(stage);
    caller.abort('gone');
    expect(await error).toMatchObject({ code: 'Canceled', cause: 'gone', retryable: false });
    await expectNothingLeft();
  });

  it('a deadline that passes ends the read, and leaves nothing behind', async () => {
    const { error } = await begin(stage, { timeoutMs: 60 });
    await pass(clock, 60);
    expect(await error).toMatchObject({ code: 'Timeout', timeoutMs: 60 });
    await expectNothingLeft();
  });

  it('a caller that aborts takes no other read with it', async () => {
    const { error } = await begin(stage);
    const other = reader.consistentRead(() => 'answered');
    caller.abort();
    expect(await error).toMatchObject({ code: 'Canceled' });
    recover();
    await pass(clock, 600);
    fsm.apply();
    fsm.restore(5);
    expect(await other).toMatchObject({ value: 'answered' });
    await expectNothingLeft();
  });
});

describe('a read leaves nothing behind', () => {
  it('when it was answered', async () => {
    leader.commitIndex = 5;
    const answer = read();
    await settle();
    leader.last.answer();
    await settle();
    written(5);
    expect(await answer).toMatchObject({ value: 'value-5' });
    await expectNothingLeft();
  });

  it.each<ReadOptions>([
    { level: 'local' },
    { level: 'session', minIndex: 0 },
    { bound: { index: 0, term: 1, source: SOURCE } },
  ])('when it was answered without a leader: %o', async (options) => {
    await read(options);
    await expectNothingLeft();
  });

  it('when its function threw', async () => {
    leader.script = 'answer';
    const fn = () => Promise.reject(new Error('mine'));
    await expect(reader.consistentRead(fn, { signal: caller.signal })).rejects.toThrow('mine');
    await expectNothingLeft();
  });

  it('when its function ends long after its caller has aborted', async () => {
    leader.script = 'answer';
    let finish: () => void = () => {};
    const fn = () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      });
    const answer = reader.consistentRead(fn, { signal: caller.signal });
    await settle();
    expect(clock.timers).toBe(0);
    caller.abort();
    finish();
    await answer;
    await expectNothingLeft();
  });

  it('when its caller had aborted before it began: nothing is asked', async () => {
    caller.abort('gone');
    expect(await failure(read())).toMatchObject({ code: 'Canceled', cause: 'gone' });
    expect(leader.requests).toHaveLength(0);
    expect(fsm.waits).toHaveLength(0);
    await expectNothingLeft();
  });

  it('when its caller aborts in the turn in which it began: nothing is asked', async () => {
    const error = failure(read());
    caller.abort();
    expect(await error).toMatchObject({ code: 'Canceled' });
    expect(leader.requests).toHaveLength(0);
    await expectNothingLeft();
  });

  it.each<ReadOptions>([
    { level: 'session' },
    { minIndex: -1 },
    { token: 'garbage' },
    { token: encodeToken({ source: 'beef', index: 1 }) },
  ])('when it was refused: %o', async (options) => {
    await failure(read(options));
    await expectNothingLeft();
  });

  it('when the leader refuses for good', async () => {
    leader.script = new NotMember('n2 was removed');
    expect(await failure(read())).toMatchObject({ code: 'NotMember' });
    await expectNothingLeft();
  });

  it('when the node stops while it waits for the state', async () => {
    leader.script = 'answer';
    leader.commitIndex = 5;
    const error = failure(read());
    await settle();
    fsm.fail(new Stopped());
    expect(await error).toMatchObject({ code: 'Stopped' });
    expect([fsm.waiters, caller.listeners, clock.timers]).toEqual([0, 0, 0]);
  });

  it('when it only waited for a bound, in any way', async () => {
    const bound = (options: WaitOptions = {}) =>
      reader.waitLeaderCommitIndexApplied({ signal: caller.signal, ...options }).catch((error: QuorateError) => error);
    leader.script = 'answer';
    expect(await bound()).toMatchObject({ index: 0 });
    leader.commitIndex = 5;
    expect(await bound({ maxLag: 4 })).toMatchObject({ code: 'LagBehind' });
    const late = bound({ timeoutMs: 20 });
    await pass(clock, 20);
    expect(await late).toMatchObject({ code: 'Timeout', stage: 'apply' });
    const aborted = bound();
    await settle();
    caller.abort();
    expect(await aborted).toMatchObject({ code: 'Canceled' });
    await expectNothingLeft();
  });
});

describe('a read that failed', () => {
  it.each(['the deadline', 'the caller'])('never runs its function afterwards, when %s ended it', async (who) => {
    leader.script = 'answer';
    let openView: () => void = () => {};
    fsm.beforeView = () =>
      new Promise((resolve) => {
        openView = resolve;
      });
    const error = failure(read({ timeoutMs: 20 }));
    await settle();
    if (who === 'the caller') caller.abort();
    await pass(clock, 20);
    await error;
    openView();
    await settle();
    expect(ran).toBe(0);
    await expectNothingLeft();
  });

  it('does not begin to wait when the state gets to it only then', async () => {
    leader.script = 'answer';
    leader.commitIndex = 5;
    let begin: () => void = () => {};
    fsm.form = new Promise((resolve) => {
      begin = resolve;
    });
    const error = failure(read({ timeoutMs: 20 }));
    await pass(clock, 20);
    await error;
    begin();
    await settle();
    expect(fsm.waiters).toBe(0);
    await expectNothingLeft();
  });

  it('is not answered by a leader that comes round later', async () => {
    leader.deaf = true;
    const error = failure(read({ timeoutMs: 20 }));
    await pass(clock, 20);
    await error;
    leader.last.answer();
    await settle();
    expect([fsm.waits.length, ran]).toEqual([0, 0]);
    await expectNothingLeft();
  });
});

describe('at the limit of waiting reads', () => {
  it('another one fails at once with Overloaded, and the places are free again when the reads have ended', async () => {
    const waiting = Array.from({ length: MAX_WAITING }, () => read());
    await settle();
    expect(await failure(read())).toMatchObject({ code: 'Overloaded', limit: MAX_WAITING, retryable: true });
    leader.last.answer();
    await Promise.all(waiting);
    await expectNothingLeft();
  });

  it.each(stages)('a read is counted $name', async (stage) => {
    stage.arrange();
    const errors = Array.from({ length: MAX_WAITING }, () => failure(read()));
    await pass(clock, stage.afterMs);
    expect(await failure(read())).toMatchObject({ code: 'Overloaded' });
    caller.abort();
    await Promise.all(errors);
    await expectNothingLeft();
  });

  it('reads that need no leader have places of their own: they go on while nobody leads', async () => {
    const waiting = Array.from({ length: MAX_WAITING }, () => failure(read()));
    await settle();
    written(5);
    expect(await read({ level: 'local' })).toMatchObject({ value: 'value-5' });
    expect(await read({ level: 'session', minIndex: 5 })).toMatchObject({ value: 'value-5' });
    const behind = Array.from({ length: MAX_WAITING }, () => failure(read({ level: 'session', minIndex: 6 })));
    await settle();
    expect(await failure(read({ level: 'session', minIndex: 5 }))).toMatchObject({ code: 'Overloaded' });
    caller.abort();
    await Promise.all([...waiting, ...behind]);
    await expectNothingLeft();
  });

  it('a function that runs takes no place', async () => {
    leader.script = 'answer';
    let finish: () => void = () => {};
    const end = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const running: Promise<unknown>[] = [];
    for (let i = 0; i < 3 * MAX_WAITING; i++) {
      running.push(reader.consistentRead(() => end));
      await settle();
    }
    await reader.consistentRead(() => null);
    finish();
    await Promise.all(running);
    await expectNothingLeft();
  });
});
