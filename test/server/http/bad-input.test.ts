/** Bad requests: each is a problem document that names the field, and nothing reaches the store. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { tokenAt } from '../support/fake-store.js';
import { type Served, send, serveFake } from '../support/http.js';

let served: Served;
beforeAll(async () => {
  served = await serveFake({ maxValueBytes: 1_000 });
});
afterAll(() => served.close());
beforeEach(() => {
  served.store.calls.length = 0;
});

const long = 'k'.repeat(1_025);

test.each([
  ['an empty key', '/v1/kv/', 'key'],
  ['a key of 1,025 bytes', `/v1/kv/${long}`, 'key'],
  ['a key of 1,025 bytes, encoded', `/v1/kv/${'%6B'.repeat(1_025)}`, 'key'],
  ['a key whose bytes are too many, though its characters are not', `/v1/kv/${'%C3%A4'.repeat(513)}`, 'key'],
  ['half a percent code', '/v1/kv/a%2', 'key'],
  ['a percent sign alone', '/v1/kv/100%', 'key'],
  ['no hexadecimal digits', '/v1/kv/%zz', 'key'],
  ['bytes that are not UTF-8', '/v1/kv/%ff', 'key'],
  ['an encoded surrogate', '/v1/kv/%ED%A0%80', 'key'],
  ['an over-long encoding', '/v1/kv/%C0%AF', 'key'],
  ['key64 that is empty', '/v1/kv?key64=', 'key64'],
  ['key64 that is no base64url', '/v1/kv?key64=a%2Bb', 'key64'],
  ['key64 with bits left over', '/v1/kv?key64=YR', 'key64'],
  ['key64 that is not UTF-8', '/v1/kv?key64=_w', 'key64'],
  ['key64 of 1,025 bytes', `/v1/kv?key64=${Buffer.from(long).toString('base64url')}`, 'key64'],
  ['key64 beside a key in the path', '/v1/kv/a?key64=YQ', 'key64'],
  ['key64 beside a prefix', '/v1/kv?key64=YQ&prefix=a', 'prefix'],
  ['an unknown level', '/v1/kv/k?level=strong', 'level'],
  ['an empty level', '/v1/kv/k?level=', 'level'],
  ['a level in capitals', '/v1/kv/k?level=LOCAL', 'level'],
  ['an unknown parameter', '/v1/kv/k?min-index=4', 'min-index'],
  ['a parameter of writes on a read', '/v1/kv/k?if_version=4', 'if_version'],
  ['a parameter twice', '/v1/kv/k?level=local&level=local', 'level'],
  ['a parameter with a broken code', '/v1/kv/k?token=%f', 'token'],
  ['a bad min_index', '/v1/kv/k?min_index=-1', 'min_index'],
  ['a min_index above what a number holds', '/v1/kv/k?min_index=9007199254740992', 'min_index'],
  ['a min_index with a fraction', '/v1/kv/k?min_index=1.5', 'min_index'],
  ['a min_index in another notation', '/v1/kv/k?min_index=1e3', 'min_index'],
  ['an empty min_index', '/v1/kv/k?min_index=', 'min_index'],
  ['a deadline of nothing', '/v1/kv/k?timeout_ms=0', 'timeout_ms'],
  ['a deadline of hours', '/v1/kv/k?timeout_ms=60001', 'timeout_ms'],
  ['session without a token', '/v1/kv/k?level=session', 'token'],
  ['an empty token', '/v1/kv/k?token=', 'token'],
  ['a limit of 0', '/v1/kv?limit=0', 'limit'],
  ['a limit above 10,000', '/v1/kv?limit=10001', 'limit'],
  ['an unknown parameter of a range', '/v1/kv?end=a', 'end'],
  ['a prefix that is not UTF-8', '/v1/kv?prefix=%ff', 'prefix'],
  ['a parameter of status', '/v1/status?verbose=1', 'verbose'],
])('GET with %s is a 400 that names the field', async (_, path, field) => {
  const answer = await send(served.url, path);
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect({ status: answer.status, ...answer.json() }).toMatchObject({
    ...{ status: 400, code: 'InvalidArgument', field, retryable: false, leader: null },
    ...{ type: 'urn:quorate:error:InvalidArgument', title: 'Invalid argument', detail: expect.stringContaining(field) },
  });
  expect(answer.json()).not.toHaveProperty('outcome');
  expect(served.store.calls).toEqual([]);
});

test.each([
  ['an empty key', 'PUT', '/v1/kv/', 'key'],
  ['no key', 'PUT', '/v1/kv', 'key64'],
  ['no key', 'DELETE', '/v1/kv', 'key64'],
  ['a bad if_version', 'PUT', '/v1/kv/k?if_version=one', 'if_version'],
  ['an if_version below 0', 'DELETE', '/v1/kv/k?if_version=-1', 'if_version'],
  ['an if_term of 0', 'PUT', '/v1/kv/k?if_term=0', 'if_term'],
  ['a bad deadline', 'PUT', '/v1/kv/k?timeout_ms=soon', 'timeout_ms'],
  ['a level', 'PUT', '/v1/kv/k?level=local', 'level'],
  ['a misspelt condition', 'PUT', '/v1/kv/k?ifVersion=1', 'ifVersion'],
  ['a malformed key', 'DELETE', '/v1/kv/%', 'key'],
])('a write with %s (%s %s) is a 400 and not applied', async (_, method, path, field) => {
  const answer = await send(served.url, path, { method, ...(method === 'PUT' ? { body: 'v' } : {}) });
  expect(answer.status).toBe(400);
  expect(answer.json()).toMatchObject({ code: 'InvalidArgument', field, outcome: 'not-applied', retryable: false });
  expect(served.store.calls).toEqual([]);
});

test.each([
  ['by its length', { 'content-length': 1_001 }],
  ['in chunks', { 'transfer-encoding': 'chunked' }],
])('a value above the limit is a 413 that names the limit (%s)', async (_, headers) => {
  const answer = await send(served.url, '/v1/kv/k', { method: 'PUT', headers, body: Buffer.alloc(1_001) });
  expect(answer.status).toBe(413);
  expect(answer.json()).toMatchObject({ code: 'ValueTooLarge', field: 'value', limit: 1_000, outcome: 'not-applied' });
  expect(served.store.calls).toEqual([]);
});

test('a value at the limit is taken', async () => {
  expect((await send(served.url, '/v1/kv/k', { method: 'PUT', body: Buffer.alloc(1_000) })).status).toBe(200);
});

test('a token of another cluster is a 400 that names the token', async () => {
  for (const path of ['/v1/kv/k?token=other:1', '/v1/kv?level=session&token=other:1']) {
    const answer = await send(served.url, path);
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'TokenMismatch', field: 'token', retryable: false });
  }
});

test('two tokens that differ are refused', async () => {
  const answer = await send(served.url, `/v1/kv/k?token=${tokenAt(1)}`, { headers: { 'quorate-token': tokenAt(2) } });
  expect(answer.json()).toMatchObject({ status: 400, field: 'token' });
});

test.each([
  ['GET', '/v1/kv/k?level=lease'],
  ['GET', '/v1/kv/k?level=bounded'],
  ['GET', '/v1/kv/k?max_staleness_ms=100'],
  ['GET', '/v1/kv?level=lease'],
  ['GET', '/v1/members'],
  ['POST', '/v1/members'],
  ['DELETE', '/v1/members/n2'],
  ['POST', '/v1/members/n2/promote'],
])('what is not there yet answers 501 (%s %s)', async (method, path) => {
  const answer = await send(served.url, path, { method });
  expect(answer.status).toBe(501);
  expect(answer.json()).toMatchObject({ code: 'NotImplemented', feature: expect.any(String), retryable: false });
  expect(served.store.calls).toEqual([]);
});

test.each(['If-Match', 'If-None-Match', 'If-Unmodified-Since'])(
  'a header %s on a write is refused, not ignored: the promise it asks for does not hold yet',
  async (name) => {
    for (const method of ['PUT', 'DELETE']) {
      const answer = await send(served.url, '/v1/kv/k', { method, headers: { [name]: '*' } });
      expect(answer.json()).toMatchObject({ status: 501, outcome: 'not-applied' });
    }
    expect(served.store.calls).toEqual([]);
  },
);

test.each([
  ['nothing', ''],
  ['a blank', 'a b'],
  ['256 characters', 'x'.repeat(256)],
  ['letters beyond ASCII', 'sch\u00f6n'],
  ['two of them', ['a', 'b']],
])('an Idempotency-Key of %s is refused', async (_, key) => {
  for (const [method, path] of [
    ['PUT', '/v1/kv/k'],
    ['DELETE', '/v1/kv/k'],
    ['POST', '/v1/txn'],
  ] as const) {
    const answer = await send(served.url, path, { method, headers: { 'Idempotency-Key': key } });
    expect(answer.json()).toMatchObject({ status: 400, field: 'Idempotency-Key', outcome: 'not-applied' });
  }
  expect(served.store.calls).toEqual([]);
});

test('a floor of a local read names the parameter, and health takes no parameters', async () => {
  const local = await send(served.url, '/v1/kv/k?level=local&min_index=3', { method: 'GET' });
  expect(local.json()).toMatchObject({ status: 400, field: 'min_index' });
  for (const path of ['/livez?x=1', '/readyz?x=1']) {
    expect((await send(served.url, path, { method: 'GET' })).json()).toMatchObject({ status: 400, field: 'x' });
  }
});

test('a write whose body goes on after its end is never answered not-applied while it is under way', async () => {
  let proceed = () => {};
  const held = new Promise<void>((resolve) => {
    proceed = resolve;
  });
  served.store.before = () => held;
  const { hostname, port } = new URL(served.url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (bytes: Buffer) => {
    answer += bytes.toString();
  });
  socket.write('PUT /v1/kv/short HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nhello');
  await once(socket, 'close');
  expect(answer).not.toContain('not-applied');
  served.store.before = () => {};
  proceed();
});

test.each([
  ['GET', '/'],
  ['GET', '/v2/kv/a'],
  ['PUT', '/v1/kvs/a'],
  ['GET', '/v1/status/'],
  ['GET', '/v1/k%76/a'],
  ['GET', '/..%2f..%2fetc'],
])('an unknown path is a 404 problem (%s %s)', async (method, path) => {
  const answer = await send(served.url, path, { method });
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect({ status: answer.status, ...answer.json() }).toMatchObject({ status: 404, code: 'UnknownRoute' });
});

test.each([
  ['POST', '/v1/kv/a', 'GET, HEAD, PUT, DELETE'],
  ['PATCH', '/v1/kv?key64=YQ', 'GET, HEAD, PUT, DELETE'],
  ['PROPFIND', '/v1/kv/a', 'GET, HEAD, PUT, DELETE'],
  ['PUT', '/v1/status', 'GET, HEAD'],
  ['GET', '/v1/leader/transfer', 'POST'],
  ['OPTIONS', '/readyz', 'GET, HEAD'],
])('a wrong method is a 405 that names the right ones (%s %s)', async (method, path, allow) => {
  const answer = await send(served.url, path, { method });
  expect({ status: answer.status, ...answer.json() }).toMatchObject({ status: 405, code: 'MethodNotAllowed' });
  expect(answer.headers.allow).toBe(allow);
  expect(served.store.calls).toEqual([]);
});

test.each([
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['a header that never ends', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
  ['a key that is not percent-encoded', 'GET /v1/kv/ключ HTTP/1.1\r\nhost: a\r\n\r\n', 400],
  ['two lengths', 'PUT /v1/kv/a HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab', 400],
])('a connection that speaks %s gets a problem document and is closed', async (_, bytes, status) => {
  const { hostname, port } = new URL(served.url);
  const socket = connect(Number(port), hostname);
  socket.end(bytes);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await once(socket, 'close');
  const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  expect(head).toContain(`HTTP/1.1 ${status} `);
  expect(head).toContain('Content-Type: application/problem+json');
  expect(JSON.parse(body)).toMatchObject({ status, code: 'MalformedRequest', outcome: 'not-applied' });
  expect(served.store.calls).toEqual([]);
});
