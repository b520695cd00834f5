/**
 * The reference is stale where this reader is not, in the same scripted scenario (published as P1 of what went wrong
 * elsewhere: an applied index that runs ahead of the state machine). It must fail when either side changes: the
 * reference is no straw man.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { StateReader } from '../../packages/quorate/src/reads/index.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  pass,
  type ScriptedFsm,
  type ScriptedLeader,
  type State,
  scriptedFsm,
  scriptedLeader,
  settle,
} from '../support/reads.js';
import { ReferenceReader } from '../support/reference-reader.js';

let clock: ManualClock;
let leader: ScriptedLeader;
let fsm: ScriptedFsm;
let reader: StateReader<State>;
let reference: ReferenceReader<State>;
const seen: (string | undefined)[] = [];

beforeEach(() => {
  clock = new ManualClock();
  leader = scriptedLeader();
  fsm = scriptedFsm();
  reader = new StateReader({ leader, fsm, clock });
  reference = new ReferenceReader({
    leader,
    clock,
    fsm: { appliedIndex: () => fsm.queuedIndex, read: (fn) => fn(fsm.state) },
  });
  seen.length = 0;
});

const readByReference = () => reference.consistentRead((tx) => void seen.push(tx.get('key')));
const readByReader = () => reader.consistentRead((tx) => tx.get('key'));

describe('a write is acknowledged, and this replica has handed it to its state machine and not applied it yet', () => {
  beforeEach(async () => {
    fsm.queue({ index: 4, key: 'key', value: 'old' });
    fsm.apply();
    fsm.queue({ index: 5, key: 'key', value: 'new' });
    leader.commitIndex = 5;
    leader.script = 'answer';
    await settle();
  });

  it('the reference answers with the old value', async () => {
    await readByReference();
    expect(seen).toEqual(['old']);
  });

  it('this reader waits for the state, and answers with the new value', async () => {
    const read = readByReader();
    await settle();
    expect(fsm.waiters).toBe(1);
    fsm.apply();
    expect(await read).toMatchObject({ value: 'new', index: 5, appliedIndex: 5 });
  });
});

describe('a write is acknowledged, and has not arrived here', () => {
  beforeEach(() => {
    leader.commitIndex = 5;
    leader.script = 'answer';
  });

  it('the reference sees it at the next look at its clock, this reader at once (R6)', async () => {
    const slow = readByReference();
    const fast = readByReader();
    await settle();
    fsm.queue({ index: 5, key: 'key', value: 'new' });
    fsm.apply();
    expect(await fast).toMatchObject({ value: 'new' });
    expect(seen).toEqual([]);
    await pass(clock, 14);
    await slow;
    expect(seen).toEqual(['new']);
  });
});

describe('a restore puts an older state in place between the wait and the view', () => {
  beforeEach(() => {
    fsm.queue({ index: 5, key: 'key', value: 'new' });
    fsm.apply();
    leader.commitIndex = 5;
    leader.script = 'answer';
  });

  it('the reference, whose index is that of the node, shows the older state', async () => {
    const index = fsm.queuedIndex;
    fsm.restore(3, new Map([['key', 'old']]));
    const lagging = new ReferenceReader<State>({
      leader,
      clock,
      fsm: { appliedIndex: () => index, read: (fn) => fn(fsm.state) },
    });
    await lagging.consistentRead((tx) => void seen.push(tx.get('key')));
    expect(seen).toEqual(['old']);
  });

  it('this reader does not run its function on it, and reads when the state has come back (R7)', async () => {
    let restores = 0;
    fsm.betweenWaitAndView = () => {
      if (restores++ === 0) fsm.restore(3, new Map([['key', 'old']]));
    };
    const read = reader.consistentRead((tx) => void seen.push(tx.get('key')));
    await pass(clock, 10);
    expect(seen).toEqual([]);
    fsm.queue({ index: 5, key: 'key', value: 'new' });
    fsm.apply();
    await read;
    expect(seen).toEqual(['new']);
    expect(leader.requests).toHaveLength(1);
  });
});
