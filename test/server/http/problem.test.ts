/** Every error has a status, and a write's failure never claims more than is known. */
import * as clientErrors from 'quorate/client';
import * as errors from 'quorate/errors';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as httpErrors from '../../../packages/server/src/http/http-errors.js';
import { STATUS_BY_CODE } from '../../../packages/server/src/http/problem.js';
import { type Served, send, serveFake } from '../support/http.js';

const leader = { id: 'n2', url: 'http://127.0.0.1:4002' };

/** What each class of error looks like over HTTP: the status and the fields of the class. */
const samples: readonly [errors.QuorateError, number, Record<string, unknown>][] = [
  [new errors.NoLeader(), 503, {}],
  [new errors.NotLeader({ leader }), 503, { leader }],
  [new errors.LeadershipLost({ outcome: 'unknown', leader }), 503, { leader }],
  [new errors.TransferInProgress({ outcome: 'not-applied' }), 503, {}],
  [new errors.LagBehind({ required: 9, applied: 1, limit: 2 }), 503, { required: 9, applied: 1, limit: 2 }],
  [new errors.Aborted({ required: 9, applied: 1 }), 503, { required: 9, applied: 1 }],
  [new errors.SnapshotInstalling(), 503, {}],
  [new errors.Overloaded({ queue: 'waiting reads', limit: 4 }), 503, { queue: 'waiting reads', limit: 4 }],
  [new errors.Stopped(), 503, {}],
  [new errors.NotMember('n1 was removed'), 503, {}],
  [new errors.Timeout({ stage: 'apply', timeoutMs: 5 }), 504, { stage: 'apply', timeoutMs: 5 }],
  [new errors.TermChanged({ expected: 1, actual: 2 }), 409, { expected: 1, actual: 2 }],
  [new errors.TokenMismatch('of another cluster'), 400, { field: 'token' }],
  [new errors.InvalidArgument({ field: 'to', expected: 'a member', received: 'x' }), 400, { field: 'to' }],
  [new errors.DiskFailed('the disk is gone'), 500, {}],
  [new clientErrors.NotImplemented({ feature: 'x' }), 501, { feature: 'x' }],
  [new clientErrors.IdempotencyKeyReused(), 422, {}],
  [
    new clientErrors.IdempotencyExpired({ evictedThrough: 7, index: 9, term: 2, token: 't' }),
    410,
    { evictedThrough: 7, index: 9, term: 2, token: 't' },
  ],
  [new clientErrors.WatchExpired({ from: 1, oldest: 5 }), 410, { from: 1, oldest: 5 }],
];

function classCodes(module: object): string[] {
  const classes = Object.values(module).filter(
    (value) => typeof value === 'function' && value.prototype instanceof Error,
  );
  // The base class has no code, and a RemoteError has the code of another version.
  return classes.map((each) => each.name).filter((name) => name !== 'QuorateError' && name !== 'RemoteError');
}

test('the table has every error class there is, and no other', () => {
  const codes = [errors, clientErrors, httpErrors].flatMap(classCodes);
  expect(codes.length).toBeGreaterThan(25);
  expect(Object.keys(STATUS_BY_CODE).sort()).toEqual([...codes, 'InternalError'].sort());
});

describe('failures of the store', () => {
  let served: Served;
  const logged: { fields: unknown; message: string }[] = [];
  beforeAll(async () => {
    const ignore = () => {};
    const error = (fields: unknown, message: string) => void logged.push({ fields, message });
    served = await serveFake({ logger: { debug: ignore, info: ignore, warn: ignore, error } });
  });
  afterAll(() => served.close());
  beforeEach(() => {
    logged.length = 0;
  });

  test.each(samples)('%s over HTTP', async (error, status, fields) => {
    served.store.before = () => {
      throw error;
    };
    const read = await send(served.url, '/v1/kv/k');
    expect(read.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    const { code, retryable } = error;
    const expected = { status, code, retryable, leader: error.leader, ...fields };
    expect({ status: read.status, ...read.json() }).toMatchObject(expected);
    expect(read.json()).not.toHaveProperty('outcome');
    expect(read.headers['retry-after']).toBe(status === 503 && retryable ? '1' : undefined);

    const write = await send(served.url, '/v1/kv/k', { method: 'PUT', body: 'v' });
    expect(write.json()).toMatchObject({ ...expected, outcome: error.outcome ?? 'unknown' });
    const range = await send(served.url, '/v1/kv');
    expect(range.json()).toMatchObject(expected);
  });

  test('an unexpected error is a 500 that keeps its inside to the log; a write is unknown', async () => {
    served.store.before = () => {
      throw new TypeError('secret of the inside');
    };
    const answer = await send(served.url, '/v1/kv/k', { method: 'PUT', body: 'v' });
    expect({ status: answer.status, ...answer.json() }).toMatchObject({
      ...{ status: 500, code: 'InternalError', outcome: 'unknown', retryable: false },
    });
    expect(answer.body.toString()).not.toContain('secret');
    expect(logged).toHaveLength(1);
    expect(logged[0]?.fields).toHaveProperty('err.message', 'secret of the inside');
  });
});
