/** `POST /v1/txn` over HTTP: what it takes, what it answers, and that a request with a key is applied once. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tokenAt } from '../support/fake-store.js';
import { type RawAnswer, type Served, send, serveFake } from '../support/http.js';

let served: Served;
beforeEach(async () => {
  served = await serveFake({ maxValueBytes: 1_000 });
});
afterEach(() => served.close());

const put = (key: string, value: string) => ({ put: { key, value } });

function txn(body: unknown, headers: Record<string, string> = {}, query = ''): Promise<RawAnswer> {
  const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  return send(served.url, `/v1/txn${query}`, { method: 'POST', body: text, headers });
}

test('operations are applied in their order, at one index, each with its result', async () => {
  await served.store.put('a', Buffer.from('1'), {});
  const answer = await txn({
    conditions: [
      { key: 'a', version: 1 },
      { key: 'b', version: 0 },
    ],
    operations: [put('b', 'ä'), { delete: { key: 'a' } }, { put: { key: 'c', valueBase64: 'AP8=' } }],
  });
  expect(answer.status).toBe(200);
  const results = [{ version: 2 }, { deleted: true }, { version: 2 }];
  expect(answer.json()).toEqual({ index: 2, term: 7, results, token: tokenAt(2) });
  expect(answer.headers).toMatchObject({ 'quorate-index': '2', 'quorate-token': tokenAt(2) });
  const values = [...served.store.state.entries()].map(([key, { value }]) => [key, Buffer.from(value).toString('hex')]);
  expect(values).toEqual([
    ['b', 'c3a4'],
    ['c', '00ff'],
  ]);
});

test('a condition that does not hold: 412 says which, and nothing is applied', async () => {
  await served.store.put('a', Buffer.from('1'), {});
  const conditions = [
    { key: 'a', version: 1 },
    { key: 'a', version: 9 },
  ];
  const answer = await txn({ conditions, operations: [put('b', 'x')] });
  expect({ status: answer.status, ...answer.json() }).toMatchObject({
    ...{ status: 412, code: 'ConditionFailed', outcome: 'not-applied', condition: 1, expected: 9, actual: 1 },
    ...{ index: 2, term: 7, token: tokenAt(2), detail: expect.stringContaining('conditions[1]') },
  });
  expect(answer.headers).toMatchObject({ 'quorate-index': '2', 'quorate-token': tokenAt(2) });
  expect(served.store.state.has('b')).toBe(false);
});

test('if_term fences a transaction as it does a put', async () => {
  const answer = await txn({ operations: [put('k', 'v')] }, {}, '?if_term=3&timeout_ms=100');
  expect({ status: answer.status, ...answer.json() }).toMatchObject({ status: 409, code: 'TermChanged', expected: 3 });
  expect(served.store.calls.at(-1)?.options).toEqual({ ifTerm: 3, timeoutMs: 100, signal: expect.any(AbortSignal) });
  expect(served.store.state.has('k')).toBe(false);
});

const many = (count: number, of: unknown) => Array.from({ length: count }, () => of);

test.each([
  ['no JSON', '{', 'body'],
  ['nothing', '', 'body'],
  ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'body'],
  ['JSON of too many parts', `{"operations":[${'[],'.repeat(100_000)}[]]}`, 'body'],
  ['no object', [], 'body'],
  ['an unknown field', { operations: [put('k', '')], ops: [] }, 'body.ops'],
  ['no operations', { conditions: [] }, 'operations'],
  ['operations that are no list', { operations: {} }, 'operations'],
  ['an empty list of operations', { operations: [] }, 'operations'],
  ['too many operations', { operations: many(129, put('k', '')) }, 'operations'],
  [
    'too many conditions',
    { conditions: many(129, { key: 'k', version: 0 }), operations: [put('k', '')] },
    'conditions',
  ],
  [
    'a condition without a version',
    { conditions: [{ key: 'k' }], operations: [put('k', '')] },
    'conditions[0].version',
  ],
  ['a version below 0', { conditions: [{ key: 'k', version: -1 }], operations: [] }, 'conditions[0].version'],
  ['a version that is a text', { conditions: [{ key: 'k', version: '1' }], operations: [] }, 'conditions[0].version'],
  ['a condition on more', { conditions: [{ key: 'k', version: 1, value: '' }], operations: [] }, 'conditions[0].value'],
  ['an operation that does nothing', { operations: [{}] }, 'operations[0]'],
  ['an operation that does two things', { operations: [{ ...put('k', ''), delete: { key: 'k' } }] }, 'operations[0]'],
  ['an unknown operation', { operations: [put('k', ''), { get: { key: 'k' } }] }, 'operations[1].get'],
  ['a name of all objects', '{"operations":[{"__proto__":{}}]}', 'operations[0].__proto__'],
  ['a put without a value', { operations: [{ put: { key: 'k' } }] }, 'operations[0].put'],
  ['two values', { operations: [{ put: { key: 'k', value: '', valueBase64: '' } }] }, 'operations[0].put'],
  ['a value that is no text', { operations: [{ put: { key: 'k', value: 1 } }] }, 'operations[0].put.value'],
  ['half a surrogate pair', { operations: [put('k', '\ud800')] }, 'operations[0].put.value'],
  ['no base64', { operations: [{ put: { key: 'k', valueBase64: 'a' } }] }, 'operations[0].put.valueBase64'],
  ['base64 that is no text', { operations: [{ put: { key: 'k', valueBase64: 1 } }] }, 'operations[0].put.valueBase64'],
  ['an empty key', { operations: [{ delete: { key: '' } }] }, 'operations[0].delete.key'],
  ['a key that is too long', { operations: [put('ä'.repeat(513), '')] }, 'operations[0].put.key'],
  ['no key', { operations: [{ delete: {} }] }, 'operations[0].delete.key'],
])('%s is refused by name', async (_, body, field) => {
  const answer = await txn(body);
  expect({ status: answer.status, ...answer.json() }).toMatchObject({
    ...{ status: 400, code: 'InvalidArgument', field, outcome: 'not-applied' },
  });
  expect(served.store.calls).toEqual([]);
});

test('the largest transaction is taken: 128 conditions and operations, and a value of the largest size', async () => {
  const key = (at: number) => `${at}`.padStart(1_024, 'k');
  const conditions = Array.from({ length: 128 }, (_, at) => ({ key: key(at), version: 0 }));
  const operations = conditions.map((condition, at) => put(condition.key, at === 0 ? '\n'.repeat(1_000) : ''));
  expect((await txn({ conditions, operations })).status).toBe(200);
  expect(served.store.state.size).toBe(128);
});

test('all values together may be as large as one', async () => {
  const answer = await txn({ operations: [put('a', 'x'.repeat(500)), put('b', 'x'.repeat(501))] });
  expect({ status: answer.status, ...answer.json() }).toMatchObject({
    ...{ status: 413, code: 'ValueTooLarge', field: 'operations', limit: 1_000, outcome: 'not-applied' },
  });
  const body = await txn(' '.repeat(2_000 + 512 * 1024 + 1));
  expect(body.json()).toMatchObject({ status: 413, code: 'ValueTooLarge', field: 'body', limit: 2_000 + 512 * 1024 });
  expect(served.store.calls).toEqual([]);
});

test('another method, and a parameter that is none, are refused', async () => {
  expect((await send(served.url, '/v1/txn')).json()).toMatchObject({ status: 405, allowed: ['POST'] });
  const answer = await txn({ operations: [put('k', '')] }, {}, '?if_version=1');
  expect(answer.json()).toMatchObject({ status: 400, field: 'if_version' });
});

const KEY = { 'Idempotency-Key': 'request-1' };

test.each([
  ['PUT', '/v1/kv/k?if_version=0', 'v'],
  ['DELETE', '/v1/kv/k', ''],
  ['POST', '/v1/txn', JSON.stringify({ operations: [put('k', 'v')] })],
])('%s %s with an Idempotency-Key is applied once, and answered the same ever after', async (method, path, body) => {
  const first = await send(served.url, path, { method, body, headers: KEY });
  expect(first.status).toBe(200);
  await send(served.url, '/v1/kv/other', { method: 'PUT', body: 'v' });
  const again = await send(served.url, path, { method, body, headers: KEY });
  expect({ status: again.status, body: again.body.toString() }).toEqual({ status: 200, body: first.body.toString() });
  expect(again.headers['quorate-index']).toBe(first.headers['quorate-index']);
  expect(again.headers['quorate-token']).toBe(first.headers['quorate-token']);
});

test('a failed condition is answered the same ever after, too', async () => {
  const path = '/v1/kv/k?if_version=4';
  const first = await send(served.url, path, { method: 'PUT', body: 'v', headers: KEY });
  expect(first.json()).toMatchObject({ status: 412, index: 1, actual: 0 });
  for (let at = 0; at < 3; at += 1) await send(served.url, '/v1/kv/k', { method: 'PUT', body: 'v' });
  const again = await send(served.url, path, { method: 'PUT', body: 'v', headers: KEY });
  expect(again.json()).toEqual(first.json());
});

test('the same key with anything else is a 422, and not applied', async () => {
  const operations = [put('k', 'v')];
  await send(served.url, '/v1/kv/k', { method: 'PUT', body: 'v', headers: KEY });
  for (const answer of [
    await send(served.url, '/v1/kv/k', { method: 'PUT', body: 'w', headers: KEY }),
    await send(served.url, '/v1/kv/l', { method: 'PUT', body: 'v', headers: KEY }),
    await send(served.url, '/v1/kv/k?if_version=0', { method: 'PUT', body: 'v', headers: KEY }),
    await send(served.url, '/v1/kv/k?if_term=7', { method: 'PUT', body: 'v', headers: KEY }),
    await send(served.url, '/v1/kv/k', { method: 'DELETE', headers: KEY }),
    await txn({ operations }, KEY),
  ]) {
    const expected = { status: 422, code: 'IdempotencyKeyReused', outcome: 'not-applied', retryable: false };
    expect({ status: answer.status, ...answer.json() }).toMatchObject(expected);
  }
  const other = { 'Idempotency-Key': 'request-2' };
  expect((await txn({ operations }, other)).status).toBe(200);
  // What is asked for is the same; only how long to wait for it differs.
  const patient = await send(served.url, '/v1/kv/k?timeout_ms=9000', { method: 'PUT', body: 'v', headers: KEY });
  expect(patient.json()).toMatchObject({ index: 1 });
});

test('a write that was dropped for its term is not recorded: the key is free', async () => {
  const dropped = await send(served.url, '/v1/kv/k?if_term=3', { method: 'PUT', body: 'v', headers: KEY });
  expect(dropped.status).toBe(409);
  const taken = await send(served.url, '/v1/kv/k?if_term=7', { method: 'PUT', body: 'v', headers: KEY });
  expect(taken.status).toBe(200);
});

test('with a token from before the first attempt, a key that may have been evicted is refused', async () => {
  served.store.keptRequests = 2;
  const headers = { ...KEY, 'Quorate-Token': tokenAt(0) };
  const first = await send(served.url, '/v1/kv/k', { method: 'PUT', body: 'v', headers });
  for (const key of ['a', 'b']) {
    await send(served.url, '/v1/kv/k', { method: 'PUT', body: key, headers: { 'Idempotency-Key': key } });
  }
  const again = await send(served.url, '/v1/kv/k', { method: 'PUT', body: 'v', headers });
  expect({ status: again.status, ...again.json() }).toMatchObject({
    ...{ status: 410, code: 'IdempotencyExpired', outcome: 'unknown', retryable: false },
    ...{ evictedThrough: first.json().index, index: 4, token: tokenAt(4) },
  });
  expect(again.headers).toMatchObject({ 'quorate-index': '4', 'quorate-token': tokenAt(4) });
  expect(Buffer.from(served.store.state.get('k')?.value ?? []).toString()).toBe('b');
});

test('a token of another cluster beside a key is refused by name, and ignored without one', async () => {
  const token = { 'Quorate-Token': tokenAt(1, 'other') };
  const answer = await send(served.url, '/v1/kv/k', { method: 'PUT', body: 'v', headers: { ...KEY, ...token } });
  expect(answer.json()).toMatchObject({ status: 400, field: 'token', outcome: 'not-applied' });
  expect((await send(served.url, '/v1/kv/k', { method: 'PUT', body: 'v', headers: token })).status).toBe(200);
});
