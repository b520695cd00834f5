/** Ranges over HTTP: pages, formats, and answers too large for one step. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tokenAt } from '../support/fake-store.js';
import { type Served, send, serveFake } from '../support/http.js';

let served: Served;
beforeAll(async () => {
  served = await serveFake();
  for (let at = 0; at < 1_500; at += 1) {
    await served.store.put(`key/${String(at).padStart(4, '0')}`, Buffer.from(`value ${at}`), {});
  }
  await served.store.put('ä?&=%', Buffer.from([0, 255]), {});
  await served.store.put('ö', Buffer.from('o'), {});
});
afterAll(() => served.close());

interface Page {
  entries: { key: string; valueBase64: string; version: number }[];
  next: string | null;
}

test('a range is JSON with base64 values, a thousand by default, and tells where it goes on', async () => {
  const answer = await send(served.url, '/v1/kv');
  expect(answer.status).toBe(200);
  expect(answer.headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'quorate-applied-index': '1502',
    'quorate-token': tokenAt(1502),
    'quorate-next': 'key%2F1000',
  });
  const page = answer.json() as unknown as Page;
  expect(page.entries).toHaveLength(1_000);
  expect(page.entries[3]).toEqual({
    key: 'key/0003',
    valueBase64: Buffer.from('value 3').toString('base64'),
    version: 4,
  });
  expect(page.next).toBe('key/1000');
  const rest = (await send(served.url, `/v1/kv?start=${answer.headers['quorate-next']}`)).json() as unknown as Page;
  expect(rest.entries.map((entry) => entry.key)).toEqual([
    ...Array.from({ length: 500 }, (_, at) => `key/${at + 1_000}`),
    'ä?&=%',
    'ö',
  ]);
  expect(rest.next).toBeNull();
});

test('prefix, start and limit', async () => {
  const page = (await send(served.url, '/v1/kv?prefix=key%2F00&start=key/0098&limit=5')).json() as unknown as Page;
  expect(page.entries.map((entry) => entry.key)).toEqual(['key/0098', 'key/0099']);
  const last = await send(served.url, '/v1/kv?prefix=key/1499&limit=1');
  expect(last.json()).toMatchObject({ next: null });
  expect(last.headers).not.toHaveProperty('quorate-next');
  expect((await send(served.url, '/v1/kv?prefix=nothing')).json()).toEqual({ entries: [], next: null });
  const odd = (
    await send(served.url, `/v1/kv?limit=1&prefix=${encodeURIComponent('ä?&=%')}`)
  ).json() as unknown as Page;
  expect(odd.entries[0]?.valueBase64).toBe('AP8=');
});

test('NDJSON when asked for: one entry a line', async () => {
  const headers = { accept: 'text/html;q=0.5, application/x-ndjson' };
  const answer = await send(served.url, '/v1/kv?limit=1200', { headers });
  expect(answer.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
  expect(answer.headers['quorate-next']).toBe('key%2F1200');
  const lines = answer.body.toString().trimEnd().split('\n');
  expect(lines).toHaveLength(1_200);
  expect(JSON.parse(lines[7] as string)).toMatchObject({ key: 'key/0007', version: 8 });
  expect((await send(served.url, '/v1/kv?limit=1&prefix=nothing', { headers })).body).toHaveLength(0);
});

test('a page of megabytes comes whole, in either format', async () => {
  const large = await serveFake();
  const value = Buffer.alloc(700_000, 'x');
  for (let at = 0; at < 7; at += 1) await large.store.put(`k${at}`, value, {});
  const page = (await send(large.url, '/v1/kv')).json() as unknown as Page;
  expect(page.entries).toHaveLength(5);
  expect(page.next).toBe('k5');
  expect(page.entries.every((entry) => Buffer.from(entry.valueBase64, 'base64').equals(value))).toBe(true);
  const ndjson = await send(large.url, '/v1/kv?limit=1000', { headers: { accept: 'application/x-ndjson' } });
  expect(
    ndjson.body
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).key),
  ).toEqual(page.entries.map((entry) => entry.key));
  await large.close();
});
