/** Watches of real servers: where they may begin, what they follow, and that no stop waits for them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type WatchEvent } from 'quorate/client';
import { type Server, startServer } from 'quorate-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../support/wait.js';
import { send } from './support/http.js';
import { freePorts } from './support/ports.js';

let directory: string;
let servers: Server[] = [];
let client: Client;
let openServer: (at: number) => Promise<Server>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'quorate-watch-'));
  const port = await freePorts(3);
  const ids = ['n1', 'n2', 'n3'];
  const peers = Object.fromEntries(ids.map((id, at) => [id, `127.0.0.1:${port + 1_000 + at}`]));
  openServer = (at) => {
    const id = ids[at] as string;
    const changeHistory = { maxEntries: 50 };
    return startServer({ id, peers, dataDir: join(directory, id), listen: `127.0.0.1:${port + at}`, changeHistory });
  };
  servers = await Promise.all([openServer(0), openServer(1), openServer(2)]);
  client = new Client({ endpoints: servers.map(({ url }) => url), timeoutMs: 20_000 });
});
afterEach(async () => {
  client.close();
  await Promise.all(servers.map((server) => server.close()));
  rmSync(directory, { recursive: true });
});

/** Reads on until all these keys were put. */
async function until(watch: AsyncIterable<WatchEvent>, key: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const event of watch) {
    if (event.kind === 'change') keys.push(...event.changes.map((change) => change.key));
    if (keys.at(-1) === key) break;
  }
  return keys;
}

test('list, then watch at any other server: nothing is missing, whoever is behind', { timeout: 90_000 }, async () => {
  for (let round = 0; round < 4; round += 1) {
    await client.put(`k${round}`, 'v');
    const { appliedIndex } = await client.range();
    for (const { url } of servers) {
      const next = client.put(`k${round}/next`, 'v');
      const own = new Client({ endpoints: [url] });
      expect(await until(own.watch({ from: appliedIndex + 1 }), `k${round}/next`)).toContain(`k${round}/next`);
      own.close();
      await next;
    }
  }
});

test('a watch from now on begins behind everything that was acknowledged before, at every server', {
  timeout: 90_000,
}, async () => {
  for (const { url } of servers) {
    const { index } = await client.put('k', 'v');
    const own = new Client({ endpoints: [url] });
    const first = await own.watch().next();
    expect(first.value).toMatchObject({ kind: 'progress' });
    expect((first.value as WatchEvent).index).toBeGreaterThanOrEqual(index);
    own.close();
  }
});

test('an index that nobody has reached is refused; one that is not kept any more is gone', {
  timeout: 90_000,
}, async () => {
  const { index } = await client.put('k', 'v');
  for (const { url } of servers) {
    const future = await send(url, `/v1/watch?from=${index + 2}`);
    expect({ status: future.status, ...future.json() }).toMatchObject({ status: 400, field: 'from' });
  }
  await Promise.all(Array.from({ length: 60 }, () => client.put('k', 'v')));
  const gone = await send(servers[0]?.url ?? '', `/v1/watch?from=${index}`);
  expect({ status: gone.status, ...gone.json() }).toMatchObject({ status: 410, code: 'WatchExpired' });
});

test('a server whose cluster is not formed yet has no history to tell of', { timeout: 90_000 }, async () => {
  const port = await freePorts(1);
  const peers = { n1: `127.0.0.1:${port + 1_000}`, n2: `127.0.0.1:${port + 1_001}` };
  const alone = await startServer({ id: 'n1', peers, dataDir: join(directory, 'a'), listen: `127.0.0.1:${port}` });
  servers.push(alone);
  const refused = await send(alone.url, '/v1/watch?from=1&timeout_ms=200');
  expect({ status: refused.status, ...refused.json() }).toMatchObject({ status: 503, code: 'NoLeader' });
});

test('no stop waits for watches: they go on at another server, with each change once', {
  timeout: 90_000,
}, async () => {
  const { index } = await client.put('k', 'v');
  const watching = Array.from({ length: 6 }, () => until(client.watch({ from: index + 1 }), 'last'));
  await client.put('first', 'v');
  for (const [at, server] of servers.entries()) {
    await server.close();
    await client.put(`while ${at} is down`, 'v');
    servers[at] = await openServer(at);
    await eventually('it to be ready', async () => (await send(servers[at]?.url ?? '', '/readyz')).status === 200);
  }
  await client.put('last', 'v');
  for (const keys of await Promise.all(watching)) {
    expect(keys).toEqual(['first', 'while 0 is down', 'while 1 is down', 'while 2 is down', 'last']);
  }
});
