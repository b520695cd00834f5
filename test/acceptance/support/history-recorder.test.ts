/** What an answer of a server becomes in a history: no more than it says. */
import { describe, expect, it } from 'vitest';
import type { Answer } from '../../support/http.js';
import { HistoryRecorder, type Operation, outcomeOf } from './history-recorder.js';

const problem = (status: number, fields: Record<string, unknown>): Answer => ({
  ...{ status, failure: null, headers: { 'content-type': 'application/problem+json; charset=utf-8' } },
  body: Buffer.from(JSON.stringify(fields)),
});
const found = (text: string): Answer => ({ status: 200, headers: {}, body: Buffer.from(text), failure: null });
const none = (failure: string): Answer => ({ status: 0, headers: {}, body: Buffer.alloc(0), failure });

const conditionFailed = problem(412, { code: 'ConditionFailed', outcome: 'not-applied' });
const noLeader = problem(503, { code: 'NoLeader', outcome: 'not-applied' });
const timeout = problem(504, { code: 'Timeout', outcome: 'unknown' });
const refused = none('connect ECONNREFUSED 127.0.0.1:4001');

describe('the outcome of an answer', () => {
  it.each<[string, Operation['f'], Answer, string]>([
    ['a write that was not applied did not happen', 'write', noLeader, 'fail'],
    ['a write without a known outcome may happen at any later time', 'write', timeout, 'info'],
    ['a write that was not answered may happen', 'write', none('socket hang up'), 'info'],
    ['a write that nobody took did not happen', 'write', refused, 'fail'],
    ['a condition that did not hold is an observation', 'cas', conditionFailed, 'fail'],
    ['a compare-and-set that was not applied has not compared', 'cas', noLeader, 'absent'],
    ['a compare-and-set that nobody took has not compared', 'cas', refused, 'absent'],
    ['a compare-and-set without a known outcome may happen', 'cas', timeout, 'info'],
    ['a compare-and-set that was not answered may happen', 'cas', none('read ECONNRESET'), 'info'],
    ['a read that failed has observed nothing', 'read', problem(503, { code: 'ConsistentRead' }), 'fail'],
    ['a read that was not answered has observed nothing', 'read', none('read ECONNRESET'), 'fail'],
    ['an answer without a code is reported', 'write', { ...found(''), status: 500 }, 'untyped'],
  ])('%s', (_, f, answer, type) => {
    expect(outcomeOf(f, answer)).toEqual({ type });
  });

  it('of a read is the value, an empty one included, or that there is none', () => {
    expect(outcomeOf('read', found('v1'))).toEqual({ type: 'ok', read: 'v1' });
    expect(outcomeOf('read', found(''))).toEqual({ type: 'ok', read: '' });
    expect(outcomeOf('read', problem(404, { code: 'KeyNotFound' }))).toEqual({ type: 'ok', read: null });
    // Another 404 says nothing of the key.
    expect(outcomeOf('read', problem(404, { code: 'UnknownRoute' }))).toEqual({ type: 'fail' });
  });
});

describe('a recorded history', () => {
  it('has the calls and answers in the order in which they happened, without what did not happen', async () => {
    const recorder = new HistoryRecorder();
    const answers = new Map<string, (answer: Answer) => void>();
    const call = (process: string, operation: Operation) =>
      recorder.record(process, 'k', operation, () => new Promise((resolve) => answers.set(process, resolve)));
    const calls = [
      call('a', { f: 'write', value: 'v1' }),
      call('b', { f: 'cas', version: 0, expected: null, value: 'v2' }),
      call('c', { f: 'cas', version: 7, expected: 'v1', value: 'v3' }),
      call('d', { f: 'read' }),
      call('e', { f: 'write', value: 'v4' }),
    ];
    const sequence = [
      ['d', found('v1')],
      ['b', conditionFailed],
      ['c', noLeader],
      ['e', { ...found('oops'), status: 500 }],
      ['a', found('{}')],
    ] as const;
    for (const [process, answer] of sequence) {
      answers.get(process)?.(answer);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(calls);
    const short = recorder.events().map(({ process, type, f, value }) => [process, type, f, value]);
    expect(short).toEqual([
      ['a', 'invoke', 'write', 'v1'],
      ['b', 'invoke', 'cas', [null, 'v2']],
      ['d', 'invoke', 'read', null],
      ['e', 'invoke', 'write', 'v4'],
      ['d', 'ok', 'read', 'v1'],
      ['b', 'fail', 'cas', [null, 'v2']],
      ['e', 'info', 'write', 'v4'],
      ['a', 'ok', 'write', 'v1'],
    ]);
    expect(recorder.counts.cas).toMatchObject({ fail: 1, absent: 1 });
  });
});
