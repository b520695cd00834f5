/** Exports over HTTP: one view from beginning to end, at the pace of the client, and never half of it for the whole. */
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { Client } from 'quorate/client';
import { afterEach, expect, test } from 'vitest';
import type { HttpServerOptions } from '../../../packages/server/src/http/http-server.js';
import type { ExportView } from '../../../packages/server/src/store/export-view.js';
import { eventually } from '../../support/wait.js';
import { FakeStore, tokenAt } from '../support/fake-store.js';
import { type Served, send, serveFake } from '../support/http.js';

const headers = { accept: 'application/x-ndjson' };
let served: Served;
let client: Client;
afterEach(async () => {
  client.close();
  await served.close();
});

/** A store whose views are counted until they are released. */
class CountingStore extends FakeStore {
  views = 0;

  override async export(...args: Parameters<FakeStore['export']>): ReturnType<FakeStore['export']> {
    const result = await super.export(...args);
    this.views += 1;
    let released = false;
    const view: ExportView = {
      next: () => result.value.next(),
      release: () => {
        if (!released) this.views -= 1;
        released = true;
        result.value.release();
      },
    };
    return { ...result, value: view };
  }
}

/** Far more than sockets hold: 100 values of 100 kB. */
async function serve(options: Partial<HttpServerOptions> = {}): Promise<CountingStore> {
  const store = new CountingStore();
  for (let at = 0; at < 100; at += 1) await store.put(key(at), Buffer.alloc(100_000, at), {});
  served = await serveFake(options, store);
  client = new Client({ endpoints: [served.url] });
  return store;
}

const key = (at: number) => `k${String(at).padStart(3, '0')}`;

/** An export whose body is not read yet. */
async function unread(): Promise<IncomingMessage> {
  const request = http.get(`${served.url}/v1/kv`, { headers, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

test('NDJSON without a limit is the whole range, with the headers of a read', async () => {
  const store = await serve();
  const answer = await send(served.url, '/v1/kv?prefix=k0&start=k010', { headers });
  expect(answer.headers).toMatchObject({
    ...{ 'content-type': 'application/x-ndjson; charset=utf-8', 'quorate-applied-index': '100' },
    ...{ 'quorate-token': tokenAt(100), 'cache-control': 'no-store' },
  });
  const lines = answer.body.toString().trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).key)).toEqual(Array.from({ length: 90 }, (_, at) => key(at + 10)));
  expect(store.views).toBe(0);
});

test('nothing that is written meanwhile shows in it', async () => {
  const store = await serve();
  const entries = client.export();
  expect((await entries.next()).value).toMatchObject({ key: 'k000', version: 1 });
  for (let at = 0; at < 200; at += 1) await store.put(`${key(at)}`, Buffer.from('new'), {});
  for (let at = 50; at < 100; at += 1) await store.delete(key(at), {});
  const seen: object[] = [];
  for await (const { key: name, version, value } of entries) seen.push([name, version, value.byteLength]);
  expect(seen).toEqual(Array.from({ length: 99 }, (_, at) => [key(at + 1), at + 2, 100_000]));
  expect(store.views).toBe(0);
});

test('a client that goes away ends its export, and its view is released', async () => {
  const store = await serve();
  const response = await unread();
  expect(store.views).toBe(1);
  response.destroy();
  await eventually('the release', () => store.views === 0 && served.server.exports.size === 0);
  const entries = client.export();
  await entries.next();
  await entries.return();
  await eventually('the release', () => store.views === 0 && served.server.exports.size === 0);
});

test('a client that reads nothing is cut after a while', async () => {
  const store = await serve({ stallMs: 300 });
  const response = await unread();
  await eventually('the release', () => store.views === 0);
  await expect(response.toArray()).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('the export above the limit is refused', async () => {
  await serve({ maxExports: 1 });
  const response = await unread();
  const refused = await send(served.url, '/v1/kv', { headers });
  expect({ status: refused.status, ...refused.json() }).toMatchObject({
    ...{ status: 503, code: 'Overloaded', queue: 'exports', limit: 1 },
  });
  response.destroy();
});

test('an export that breaks off never looks whole', async () => {
  const store = await serve();
  const entries = client.export();
  await entries.next();
  await served.server.close(0);
  const rest = (async () => {
    for await (const entry of entries) expect(entry.value.byteLength).toBe(100_000);
  })();
  await expect(rest).rejects.toMatchObject({ code: 'ConnectionFailed', message: expect.stringContaining('broke off') });
  await eventually('the release', () => store.views === 0);
});

test('an export ends with Canceled when its signal fires', async () => {
  await serve();
  const controller = new AbortController();
  const entries = client.export({}, { signal: controller.signal });
  await entries.next();
  controller.abort(new Error('enough'));
  const rest = (async () => {
    for await (const _ of entries);
  })();
  await expect(rest).rejects.toMatchObject({ code: 'Canceled' });
});

test('a HEAD holds no view', async () => {
  const store = await serve();
  const answer = await send(served.url, '/v1/kv', { headers, method: 'HEAD' });
  expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/x-ndjson; charset=utf-8' } });
  expect(store.views).toBe(0);
});
