/** Servers whose states are kept in different ways: what they keep over a restart, and take from each other. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'quorate/client';
import { type Server, startServer } from 'quorate-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../support/wait.js';
import { send } from './support/http.js';
import { freePorts } from './support/ports.js';

type Kind = 'lmdb' | 'memory';

let directory: string;
let servers: (Server | null)[] = [];
let open: (at: number) => Promise<Server>;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quorate-stores-'));
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server?.close()));
  servers = [];
  rmSync(directory, { recursive: true });
});

/** Servers that take a snapshot every 20 entries, and keep 5 entries behind it. */
async function start(kinds: readonly (Kind | undefined)[]): Promise<Client> {
  const port = await freePorts(kinds.length);
  const ids = kinds.map((_, at) => `n${at + 1}`);
  const peers = Object.fromEntries(ids.map((id, at) => [id, `127.0.0.1:${port + 1_000 + at}`]));
  open = async (at) => {
    const [id, store] = [ids[at] as string, kinds[at]];
    const server = await startServer({
      ...{ id, peers, dataDir: join(directory, id), listen: `127.0.0.1:${port + at}` },
      ...{ snapshotEntries: 20, keptEntries: 5, ...(store === undefined ? {} : { store }) },
    });
    servers[at] = server;
    return server;
  };
  await Promise.all(ids.map((_, at) => open(at)));
  return new Client({ endpoints: servers.map((server) => server?.url as string), timeoutMs: 20_000 });
}

async function stop(at: number): Promise<void> {
  await servers[at]?.close();
  servers[at] = null;
}

async function contentsOf({ url }: Server): Promise<string> {
  const exported = await send(url, '/v1/kv', { headers: { accept: 'application/x-ndjson' } });
  expect(exported.status).toBe(200);
  return exported.body.toString();
}

test.each([
  ['memory', 'lmdb'],
  ['lmdb', 'memory'],
] as const)(
  'a server in %s that was away takes over the snapshot of one in %s, requests and all',
  async (away, other) => {
    const client = await start([away, other, other]);
    await client.put('before', 'v', { idempotencyKey: 'first' });
    await stop(0);
    for (let at = 0; at < 120; at += 1) await client.put(`k${at % 50}`, `${at}`);
    const kept = await client.put('kept', 'once', { idempotencyKey: 'kept' });
    for (let at = 0; at < 30; at += 1) await client.put(`k${at}`, `again ${at}`);
    const back = await open(0);
    await eventually('the snapshot', async () => (await send(back.url, '/readyz')).status === 200);
    expect((await send(back.url, '/v1/kv/k7')).body.toString()).toBe('again 7');
    expect(await contentsOf(back)).toBe(await contentsOf(servers[1] as Server));
    // Judged by the state of the server that it is sent to.
    const repeated = await send(back.url, '/v1/kv/kept', {
      method: 'PUT',
      headers: { 'idempotency-key': 'kept' },
      body: 'once',
    });
    expect(repeated.json()).toMatchObject({ index: kept.index });
    const expired = await send(back.url, '/v1/watch?from=2');
    expect({ status: expired.status, ...expired.json() }).toMatchObject({ status: 410, code: 'WatchExpired' });
    client.close();
  },
);

test('a server keeps its state on the disk unless it is told otherwise, and watches go on behind it', async () => {
  const client = await start([undefined]);
  expect(existsSync(join(directory, 'n1', 'state'))).toBe(true);
  const { index } = await client.put('k', 'v');
  await stop(0);
  const again = await open(0);
  // Local: what is here before anything of the log has been applied again.
  expect((await send(again.url, '/v1/kv/k?level=local')).body.toString()).toBe('v');
  const expired = await send(again.url, `/v1/watch?from=${index}`);
  expect(expired.json()).toMatchObject({ code: 'WatchExpired', from: index });
  const watching = await client.watch({ from: (expired.json() as { oldest: number }).oldest });
  await client.put('later', 'v');
  for await (const event of watching) {
    if (event.kind !== 'change') continue;
    expect(event.changes).toMatchObject([{ key: 'later' }]);
    break;
  }
  client.close();
});

test('a server that never lives long takes its snapshots all the same', async () => {
  const client = await start(['lmdb']);
  const snapshots = () => readdirSync(join(directory, 'n1', 'snapshots'));
  await client.put('k', 'v');
  for (let life = 0; life < 5; life += 1) {
    expect(snapshots()).toEqual([]);
    // Fewer than are between two snapshots; each life begins with an entry of its own.
    for (let at = 0; at < 2; at += 1) await client.put(`k${at}`, `${life}`);
    await stop(0);
    await open(0);
  }
  for (let at = 0; at < 8; at += 1) await client.put('k', 'v');
  await eventually('a snapshot', async () => snapshots().length > 0);
  client.close();
});

test('a server goes on with what it had when its store is changed, and back', async () => {
  const kinds: Kind[] = ['lmdb'];
  const client = await start(kinds);
  for (const kind of ['memory', 'lmdb', 'memory', 'lmdb'] as const) {
    for (let at = 0; at < 30; at += 1) await client.put(`k${at}`, `${kind} ${at}`);
    const before = await contentsOf(servers[0] as Server);
    await stop(0);
    kinds[0] = kind;
    const server = await open(0);
    await client.get('k0');
    expect(await contentsOf(server)).toBe(before);
  }
  client.close();
});

test.each(['lmdb', 'memory'] as const)('a page may be long in a server in %s, also many at a time', async (kind) => {
  const client = await start([kind]);
  const keys = Array.from({ length: 2_560 }, (_, at) => `k${String(at).padStart(4, '0')}`);
  for (let at = 0; at < keys.length; at += 128) {
    await client.txn({ operations: keys.slice(at, at + 128).map((key) => ({ put: { key, value: key } })) });
  }
  const { url } = servers[0] as Server;
  const page = async (query: string) => {
    const { entries, next } = (await send(url, `/v1/kv?${query}`)).json() as {
      entries: { key: string }[];
      next: string;
    };
    return { found: entries.map(({ key }) => key), next };
  };
  const all = Array.from({ length: 32 }, () => page('limit=10000'));
  for (const each of await Promise.all(all)) expect(each).toEqual({ found: keys, next: null });
  expect(await page('limit=2000&start=k0100')).toEqual({ found: keys.slice(100, 2_100), next: 'k2100' });
});

test('however many long pages are asked for, snapshots and exports find a view', async () => {
  const client = await start(['lmdb']);
  const keys = Array.from({ length: 1_280 }, (_, at) => `k${at}`);
  for (let at = 0; at < keys.length; at += 128) {
    await client.txn({ operations: keys.slice(at, at + 128).map((key) => ({ put: { key, value: key } })) });
  }
  const { store } = servers[0] as Server;
  const request = { prefix: '', start: '', limit: 10_000 };
  const controller = new AbortController();
  const pages = Array.from({ length: 100 }, () => store.range(request, {}));
  const ended = Promise.allSettled(pages);
  const exports = await Promise.all(Array.from({ length: 16 }, () => store.export(request, {})));
  await store.takeSnapshot({ timeoutMs: 60_000, signal: controller.signal });
  for (const { value } of exports) value.release();
  const refused = (await ended).filter((page) => page.status === 'rejected').map(({ reason }) => reason.code);
  expect(refused).toEqual(Array.from({ length: 100 - 32 }, () => 'Overloaded'));
  const given = store.range(request, { signal: controller.signal });
  const late = store.range(request, { level: 'local', timeoutMs: 0.001 });
  controller.abort(new Error('gone'));
  await expect(given).rejects.toMatchObject({ code: 'ConsistentRead', reason: 'Canceled' });
  await expect(late).rejects.toMatchObject({ code: 'Timeout', stage: 'page' });
  client.close();
}, 60_000);

test('clients that go away in the middle of an export leave no view behind', async () => {
  const client = await start(['lmdb']);
  const { url } = servers[0] as Server;
  for (let at = 0; at < 12; at += 1) await client.put(`large ${at}`, new Uint8Array(1024 * 1024).fill(at));
  // More than there may be views at a time.
  for (let at = 0; at < 30; at += 1) await leaveAnExport(url);
  const lines = (await contentsOf(servers[0] as Server)).split('\n');
  expect(lines.filter((line) => line !== '')).toHaveLength(12);
  client.close();
}, 60_000);

function leaveAnExport(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/v1/kv`, { headers: { accept: 'application/x-ndjson' } }, (response) => {
      expect(response.statusCode).toBe(200);
      response.once('data', () => asked.destroy());
      response.once('close', resolve);
      response.on('error', () => {});
    });
    asked.on('error', (error) => {
      if (!asked.destroyed) reject(error);
    });
    asked.end();
  });
}
