/** Clients of real servers that go away: what they waited for ends, and nothing is left waiting. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'quorate/client';
import { type Server, startServer } from 'quorate-server';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/wait.js';
import { freePorts } from './support/ports.js';

const directory = mkdtempSync(join(tmpdir(), 'quorate-disconnect-'));
let servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<void> {
  const port = await freePorts(3);
  const ids = ['n1', 'n2', 'n3'];
  const peers = Object.fromEntries(ids.map((id, at) => [id, `127.0.0.1:${port + 1_000 + at}`]));
  servers = await Promise.all(
    ids.map((id, at) => startServer({ id, peers, dataDir: join(directory, id), listen: `127.0.0.1:${port + at}` })),
  );
  const client = new Client({ endpoints: servers.map(({ url }) => url), timeoutMs: 20_000 });
  await client.put('k', 'v');
  client.close();
}

/** A request that is sent and never read; to call the function cuts its socket. */
async function sendAndCut(url: string, text: string): Promise<() => void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`${text} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: 0\r\n\r\n`);
  return () => socket.resetAndDestroy();
}

test('reads, writes and watches that wait end with their connection', { timeout: 60_000 }, async () => {
  await start();
  const leader = servers.find(({ store }) => store.status().role === 'leader') as Server;
  const [alone, other] = servers.filter((server) => server !== leader) as [Server, Server];
  await Promise.all([leader.close(), other.close()]);
  servers = [alone];
  await eventually('the leader to be missed', () => alone.store.status().leader === null);
  const before = alone.store.status().waiting;
  const cuts = await Promise.all(
    [
      'GET /v1/kv/k?timeout_ms=60000',
      'GET /v1/kv?timeout_ms=60000',
      'GET /v1/kv/k?level=session&min_index=1000&timeout_ms=60000',
      'PUT /v1/kv/k?timeout_ms=60000',
      'DELETE /v1/kv/k?timeout_ms=60000',
      'GET /v1/watch?timeout_ms=60000',
    ].map((text) => sendAndCut(alone.url, text)),
  );
  await eventually('writes to wait', () => alone.store.status().waiting >= before + 3);
  for (const cut of cuts) cut();
  await eventually('nothing to wait', () => alone.store.status().waiting === 0);
  expect((await fetch(`${alone.url}/v1/kv/k?level=local`)).status).toBe(200);
});
