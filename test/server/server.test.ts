/** Servers with real nodes in this process: what only a real store can show. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'quorate/client';
import { type Server, type ServerOptions, startServer } from 'quorate-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withApply } from '../support/state-machine/with-apply.js';
import { send } from './support/http.js';
import { freePorts } from './support/ports.js';

let directory: string;
let servers: Server[] = [];
let client: Client;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quorate-server-'));
});
afterEach(async () => {
  client?.close();
  await Promise.all(servers.map((server) => server.close()));
  servers = [];
  rmSync(directory, { recursive: true });
});

type Wrap = NonNullable<ServerOptions['wrapStateMachine']>;

type StartOptions = { wrapStateMachine?: Wrap; maxValueBytes?: number; keptRequests?: number };
/** Closes all servers and starts them again, on the same directories and addresses. */
let restart: () => Promise<void>;

/** `options`: those of each server, by its position. */
async function start(count: number, options: StartOptions | ((at: number) => StartOptions) = {}): Promise<void> {
  const port = await freePorts(count);
  const ids = Array.from({ length: count }, (_, at) => `n${at + 1}`);
  const peers = Object.fromEntries(ids.map((id, at) => [id, `127.0.0.1:${port + 1_000 + at}`]));
  const optionsOf = typeof options === 'function' ? options : () => options;
  const startAll = async () => {
    servers = await Promise.all(
      ids.map((id, at) =>
        startServer({ id, peers, dataDir: join(directory, id), listen: `127.0.0.1:${port + at}`, ...optionsOf(at) }),
      ),
    );
  };
  await startAll();
  restart = async () => {
    await Promise.all(servers.map((server) => server.close()));
    await startAll();
  };
  client = new Client({ endpoints: servers.map((server) => server.url), timeoutMs: 20_000 });
}

async function leaderAndFollowers(): Promise<{ leader: Server; followers: Server[] }> {
  await client.get('any');
  const leader = servers.find((server) => server.store.status().role === 'leader') as Server;
  return { leader, followers: servers.filter((server) => server !== leader) };
}

test('a write through any replica is read at every other, at once', async () => {
  await start(3);
  const clients = servers.map(({ url }) => new Client({ endpoints: [url], timeoutMs: 20_000 }));
  for (let at = 0; at < 60; at += 1) {
    const written = await clients[at % 3]?.put('k', `${at}`);
    for (const reader of clients) {
      const { value, appliedIndex } = await reader.get('k');
      expect(Buffer.from(value?.value ?? []).toString()).toBe(`${at}`);
      expect(value?.version).toBe(written?.version);
      expect(appliedIndex).toBeGreaterThanOrEqual(written?.index ?? Number.NaN);
    }
  }
  for (const each of clients) each.close();
});

test('leadership is handed over on the word of any server', async () => {
  await start(3);
  const { leader, followers } = await leaderAndFollowers();
  const viaFollower = new Client({ endpoints: [...followers, leader].map(({ url }) => url), timeoutMs: 20_000 });
  await viaFollower.transferLeadership();
  viaFollower.close();
  expect(leader.store.status().role).toBe('follower');
  const refused = await send(leader.url, '/v1/leader/transfer', { method: 'POST' });
  expect(refused.json()).toMatchObject({ code: 'NotLeader', outcome: 'not-applied' });
});

test('a value may be as large as the server was told', async () => {
  await start(1, { maxValueBytes: 3 * 1024 * 1024 });
  const value = new Uint8Array(3 * 1024 * 1024).fill(7);
  await client.put('large', value);
  expect((await client.get('large')).value?.value.byteLength).toBe(value.byteLength);
});

test('session reads see the write that the token is from; any other token is refused by name', async () => {
  await start(3);
  const { token } = await client.put('k', 'v');
  for (const { url } of servers) {
    const read = await send(url, `/v1/kv/k?level=session&token=${token}`);
    expect({ status: read.status, body: read.body.toString() }).toEqual({ status: 200, body: 'v' });
    const foreign = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
    for (const wrong of [foreign, 'nonsense', `${token}!`]) {
      const refused = await send(url, '/v1/kv/k?level=session', { headers: { 'quorate-token': wrong } });
      expect({ status: refused.status, ...refused.json() }).toMatchObject({ status: 400, field: 'token' });
    }
  }
});

test('conditions hold on every replica: of many that compare and set, one succeeds', async () => {
  await start(3);
  const { version, term } = await client.put('k', 'v');
  const tries = await Promise.allSettled(
    Array.from({ length: 9 }, (_, at) => client.put('k', `${at}`, { ifVersion: version })),
  );
  expect(tries.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
  const lost = tries.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  for (const error of lost) expect(error).toMatchObject({ code: 'ConditionFailed', outcome: 'not-applied' });
  await expect(client.put('k', 'x', { ifTerm: term + 5 })).rejects.toMatchObject({ code: 'TermChanged' });
  await client.put('k', 'x', { ifTerm: term });
  await client.delete('k');
  const { version: again } = await client.put('k', 'v');
  expect(again).toBeGreaterThan(version);
});

test('a request with a key is applied once: side by side, by every server, and after a restart', async () => {
  await start(3);
  const { token } = await client.put('other', 'v');
  const body = JSON.stringify({
    conditions: [{ key: 'k', version: 0 }],
    operations: [{ put: { key: 'k', value: '1' } }, { delete: { key: 'other' } }],
  });
  const headers = { 'Idempotency-Key': 'once', 'Quorate-Token': token };
  const sendTo = ({ url }: Server) => send(url, '/v1/txn?timeout_ms=20000', { method: 'POST', body, headers });
  const answers = await Promise.all([...servers, ...servers, ...servers].map(sendTo));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(new Set(answers.map((answer) => answer.body.toString())).size).toBe(1);
  const written = answers[0]?.json() as { index: number; token: string };
  expect(await client.get('k', { level: 'session', token: written.token })).toMatchObject({
    value: { version: written.index },
  });
  await restart();
  for (const server of servers) expect((await sendTo(server)).json()).toEqual(written);
  expect(await client.get('k')).toMatchObject({ value: { version: written.index } });
});

test('all replicas evict the same requests, also when they were told different numbers', async () => {
  await start(3, (at) => ({ keptRequests: at === 0 ? 2 : 1_000 }));
  const [few] = servers as [Server, Server, Server];
  const { token } = await client.get('k');
  const write = (server: Server, key: string, held = token) => {
    const headers = { 'Idempotency-Key': key, 'Quorate-Token': held };
    return send(server.url, '/v1/kv/k?timeout_ms=20000', { method: 'PUT', body: 'v', headers });
  };
  const first = (await write(few, 'r1')).json() as { token: string };
  await write(few, 'r2', first.token);
  await write(few, 'r3', first.token);
  for (const server of servers)
    expect((await write(server, 'r1')).json()).toMatchObject({ code: 'IdempotencyExpired' });
  await restart();
  for (const server of servers)
    expect((await write(server, 'r1')).json()).toMatchObject({ code: 'IdempotencyExpired' });
  for (const server of servers) expect((await write(server, 'r2')).json()).not.toHaveProperty('code');
});

test('a token of another cluster beside a key is refused, not applied', async () => {
  await start(1);
  const { token } = await client.put('k', 'v');
  const foreign = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
  for (const wrong of [foreign, 'nonsense']) {
    const headers = { 'Idempotency-Key': 'x', 'Quorate-Token': wrong };
    const refused = await send(servers[0]?.url ?? '', '/v1/kv/k', { method: 'PUT', body: 'w', headers });
    expect(refused.json()).toMatchObject({ status: 400, code: 'TokenMismatch', outcome: 'not-applied' });
  }
});

test('the number of requests that are kept is checked', async () => {
  await expect(start(1, () => ({ keptRequests: 0 }))).rejects.toMatchObject({ field: 'keptRequests' });
});

test('a replica without a majority is alive, not ready, and says why', async () => {
  await start(3);
  const { leader, followers } = await leaderAndFollowers();
  const [left, other] = followers as [Server, Server];
  expect((await send(left.url, '/readyz')).status).toBe(200);
  await Promise.all([leader.close(), other.close()]);
  servers = [left];
  expect((await send(left.url, '/livez')).status).toBe(200);
  const answer = await send(left.url, '/readyz');
  expect(answer.status).toBe(503);
  expect(answer.json()).toMatchObject({ retryable: true, code: expect.stringMatching(/NoLeader|Timeout/) });
  const write = await send(left.url, '/v1/kv/k?timeout_ms=300', { method: 'PUT', body: 'v' });
  expect([503, 504]).toContain(write.status);
  expect(write.json()).toHaveProperty('outcome');
  expect((await send(left.url, '/v1/kv/any?level=local')).status).toBe(404);
});

test('a leader that closes hands over first: the others have a leader at once', async () => {
  await start(3);
  const { leader, followers } = await leaderAndFollowers();
  const before = leader.store.status().term;
  await leader.close();
  servers = followers;
  const leaders = followers.map(({ store }) => store.status()).filter(({ role }) => role === 'leader');
  expect(leaders).toMatchObject([{ term: before + 1 }]);
});

test('a slow state machine makes a follower late, and its reads wait for it', async () => {
  const slow: Wrap = (machine) =>
    withApply(machine, (entries) => {
      const until = performance.now() + 2;
      while (performance.now() < until);
      return machine.apply(entries);
    });
  await start(3, { wrapStateMachine: slow });
  for (let at = 0; at < 20; at += 1) {
    await client.put('k', `${at}`);
    const { value } = await client.get('k');
    expect(Buffer.from(value?.value ?? []).toString()).toBe(`${at}`);
  }
});

test('a state machine that throws stops its node, and the server says so', async () => {
  let broken = false;
  await start(1, {
    wrapStateMachine: (machine) =>
      withApply(machine, (entries) => {
        if (broken) throw new Error('the state machine is broken');
        return machine.apply(entries);
      }),
  });
  await client.put('k', 'v');
  broken = true;
  const write = client.put('k', 'w', { timeoutMs: 2_000 }).catch((error: unknown) => error);
  const stopped = await servers[0]?.stopped;
  expect(stopped).toBeInstanceOf(Error);
  expect(await write).toMatchObject({ outcome: 'unknown' });
});

test('a server that cannot start leaves no port behind', async () => {
  const port = await freePorts(1);
  writeFileSync(join(directory, 'file'), 'not a directory');
  const options = { id: 'n1', dataDir: join(directory, 'file'), listen: `127.0.0.1:${port}` };
  const peers = { n1: `127.0.0.1:${port + 1_000}` };
  await expect(startServer({ ...options, peers })).rejects.toThrow();
  await expect(startServer({ ...options, peers: { n2: '127.0.0.1:1' } })).rejects.toMatchObject({ field: 'peers' });
  await expect(send(`http://127.0.0.1:${port}`, '/livez')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
