/** One key over HTTP: bytes in, bytes out, versions, conditions, headers, and keys of every kind. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tokenAt } from '../support/fake-store.js';
import { type Served, send, serveFake } from '../support/http.js';

let served: Served;
beforeAll(async () => {
  served = await serveFake();
});
afterAll(() => served.close());

const percent = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

test('a value comes back byte for byte, with the headers of a read', async () => {
  const body = Buffer.from([0, 255, 10, 13, 128]);
  const written = await send(served.url, '/v1/kv/bytes', { method: 'PUT', body });
  expect(written.status).toBe(200);
  const { index, term, version, token } = written.json();
  expect(Object.keys(written.json())).toEqual(['index', 'term', 'version', 'token']);
  expect(written.headers).toMatchObject({ 'quorate-index': `${index}`, 'quorate-token': token });

  const read = await send(served.url, '/v1/kv/bytes');
  expect(read.status).toBe(200);
  expect(read.body.equals(body)).toBe(true);
  expect(read.headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'cache-control': 'no-store',
    'quorate-index': `${index}`,
    'quorate-term': `${term}`,
    'quorate-applied-index': `${index}`,
    'quorate-served-by': 'n1',
    'quorate-role': 'leader',
    'quorate-token': token,
    'quorate-version': `${version}`,
  });
});

test('a missing key is a 404 with the same headers and a problem document', async () => {
  const read = await send(served.url, '/v1/kv/missing');
  expect(read.status).toBe(404);
  expect(read.json()).toMatchObject({ code: 'KeyNotFound', status: 404, retryable: false });
  expect(read.json()).not.toHaveProperty('outcome');
  for (const name of ['index', 'term', 'applied-index', 'served-by', 'role', 'token']) {
    expect(read.headers).toHaveProperty(`quorate-${name}`);
  }
});

test.each([
  ['any type', { 'content-type': 'application/json' }, 'not { json'],
  ['a type that is none', { 'content-type': ';;; what?' }, 'x'],
  ['multipart', { 'content-type': 'multipart/form-data; boundary=b' }, '--b--'],
  ['no type', {}, 'x'],
  ['a form, as curl -d sends it', { 'content-type': 'application/x-www-form-urlencoded' }, 'a=b'],
  ['chunks', { 'transfer-encoding': 'chunked' }, 'in chunks'],
  ['an empty body', {}, ''],
  ['an empty body of some type', { 'content-type': 'text/plain', 'content-length': 0 }, ''],
  ['no body at all', { 'transfer-encoding': 'chunked' }, ''],
])('PUT takes %s', async (_, headers, body) => {
  const written = await send(served.url, '/v1/kv/typed', { method: 'PUT', headers, body });
  expect(written.status).toBe(200);
  expect((await send(served.url, '/v1/kv/typed')).body.toString()).toBe(body);
});

test('any key arrives as it is, however it is encoded', async () => {
  const key = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 20 })
    .filter((text) => text !== '.' && text !== '..');
  const property = fc.asyncProperty(key, async (text) => {
    const { store, url } = served;
    expect((await send(url, `/v1/kv/${percent(text)}`, { method: 'PUT', body: text })).status).toBe(200);
    expect(Buffer.from(store.state.get(text)?.value ?? []).toString()).toBe(text);
    expect((await send(url, `/v1/kv/${encodeURIComponent(text)}`)).body.toString()).toBe(text);
    const key64 = Buffer.from(text).toString('base64url');
    expect((await send(url, `/v1/kv?key64=${key64}`)).body.toString()).toBe(text);
  });
  await fc.assert(property, { numRuns: 100 });
});

test.each([
  ['a slash, encoded', '/v1/kv/a%2Fb', 'a/b'],
  ['a slash as it is', '/v1/kv/a/b/', 'a/b/'],
  ['two slashes', '/v1/kv//', '/'],
  ['a plus, which is no blank in a path', '/v1/kv/a+b', 'a+b'],
  ['a percent sign', '/v1/kv/100%25', '100%'],
  ['dots, encoded', '/v1/kv/%2e%2e', '..'],
  ['dots in a longer path', '/v1/kv/a/../b', 'a/../b'],
  ['the name of a property of all objects', '/v1/kv/__proto__', '__proto__'],
  ['dots by key64', `/v1/kv?key64=${Buffer.from('..').toString('base64url')}`, '..'],
  ['key64 with padding', '/v1/kv?key64=Lg==', '.'],
  ['1,024 bytes, every one encoded', `/v1/kv/${percent('ä'.repeat(512))}`, 'ä'.repeat(512)],
])('a key may be %s', async (_, path, key) => {
  expect((await send(served.url, path, { method: 'PUT', body: 'v' })).status).toBe(200);
  expect(served.store.state.has(key)).toBe(true);
  expect((await send(served.url, path)).body.toString()).toBe('v');
  expect((await send(served.url, path, { method: 'DELETE' })).json()).toMatchObject({ deleted: true });
  expect(served.store.state.has(key)).toBe(false);
});

test('compare-and-set: 412 tells the version found, and nothing is applied', async () => {
  const first = (await send(served.url, '/v1/kv/cas?if_version=0', { method: 'PUT', body: 'a' })).json();
  const again = await send(served.url, '/v1/kv/cas?if_version=0', { method: 'PUT', body: 'b' });
  expect(again.status).toBe(412);
  expect(again.json()).toMatchObject({
    ...{ code: 'ConditionFailed', outcome: 'not-applied', retryable: false },
    ...{ expected: 0, actual: first.version },
  });
  expect(again.headers).toHaveProperty('quorate-index');
  expect(again.headers).toHaveProperty('quorate-token');
  expect((await send(served.url, '/v1/kv/cas')).body.toString()).toBe('a');
  const held = await send(served.url, `/v1/kv/cas?if_version=${first.version}`, { method: 'PUT', body: 'b' });
  expect(held.status).toBe(200);
  const removed = await send(served.url, `/v1/kv/cas?if_version=${first.version}`, { method: 'DELETE' });
  expect(removed.status).toBe(412);
  expect((await send(served.url, '/v1/kv/cas')).body.toString()).toBe('b');
});

test('a write fenced to another term is a 409 and not applied', async () => {
  const answer = await send(served.url, '/v1/kv/fenced?if_term=3', { method: 'PUT', body: 'a' });
  expect(answer.status).toBe(409);
  expect(answer.json()).toMatchObject({ code: 'TermChanged', outcome: 'not-applied', expected: 3, actual: 7 });
  expect(served.store.state.has('fenced')).toBe(false);
});

test('a delete tells whether there was something', async () => {
  await send(served.url, '/v1/kv/gone', { method: 'PUT', body: 'a' });
  expect((await send(served.url, '/v1/kv/gone', { method: 'DELETE' })).json()).toMatchObject({ deleted: true });
  const second = await send(served.url, '/v1/kv/gone', { method: 'DELETE' });
  expect(second.status).toBe(200);
  expect(second.json()).toMatchObject({ deleted: false });
});

test('HEAD is GET without the body', async () => {
  await send(served.url, '/v1/kv/head', { method: 'PUT', body: 'abc' });
  const answer = await send(served.url, '/v1/kv/head', { method: 'HEAD' });
  expect(answer.status).toBe(200);
  expect(answer.headers).toMatchObject({ 'content-length': '3', 'quorate-version': expect.any(String) });
  expect(answer.body).toHaveLength(0);
});

test('the parameters of a read reach the store', async () => {
  const { calls } = served.store;
  await send(served.url, `/v1/kv/k?level=session&token=${tokenAt(1)}&min_index=4&timeout_ms=250`);
  expect(calls.at(-1)?.options).toMatchObject({ level: 'session', token: tokenAt(1), minIndex: 4, timeoutMs: 250 });
  await send(served.url, '/v1/kv/k', { headers: { 'quorate-token': tokenAt(2) } });
  expect(calls.at(-1)?.options).toMatchObject({ level: 'linearizable', token: tokenAt(2) });
  await send(served.url, '/v1/kv/k?if_version=3&if_term=7&timeout_ms=9', { method: 'PUT', body: '' });
  expect(calls.at(-1)?.options).toMatchObject({ ifVersion: 3, ifTerm: 7, timeoutMs: 9 });
});
