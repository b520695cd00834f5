/** The clients of the torture object to what a correct server cannot answer, before any checker looks at it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { Prng } from '../../../packages/quorate/src/testing/simulator/prng.js';
import { closeConnections } from '../../support/http.js';
import type { ServerCluster } from '../../support/server-cluster.js';
import { eventually } from '../../support/wait.js';
import { HistoryRecorder } from './history-recorder.js';
import { TortureClients } from './torture-clients.js';

interface Reply {
  readonly status: number;
  readonly version: number;
  readonly value: string;
}

/** What the clients object to when every write, or read, is answered in the same way. */
async function objections(write: Reply, read: Reply): Promise<readonly string[]> {
  return (await clientsOf(write, read, ({ violations }) => violations.length > 0)).violations;
}

/** The clients of such a server, once `isEnough`, and once they have read everything at the end. */
async function clientsOf(write: Reply, read: Reply, isEnough: (clients: TortureClients) => boolean) {
  const server = createServer((request, response) => {
    request.resume();
    const { status, version, value } = request.method === 'PUT' ? write : read;
    response.writeHead(status, { 'quorate-version': version, 'content-type': 'application/octet-stream' });
    response.end(request.method === 'PUT' ? JSON.stringify({ version }) : value);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const node = { id: 'n1', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  const cluster = { nodes: [node] } as unknown as ServerCluster;
  const options = { cluster, recorder: new HistoryRecorder(), random: new Prng(1), level: 'linearizable' };
  const clients = new TortureClients({ ...options, clients: 2, liveKeys: 1, operationsPerKey: 1_000 });
  const running = clients.start();
  try {
    await eventually('enough answers', () => isEnough(clients));
    clients.stop();
    await running;
    await clients.readEverywhere();
  } finally {
    clients.stop();
    await Promise.allSettled([running]);
    closeConnections();
    server.close();
    await once(server, 'close');
  }
  return clients;
}

const fine = { status: 200, version: 1, value: 'v1' };

it('one version with two values is a violation', async () => {
  const found = await objections(fine, { ...fine, value: 'phantom' });
  expect(found[0]).toMatch(/^version 1 of key-1 has the values /);
});

it('a failure without a problem document is a violation', async () => {
  expect((await objections({ ...fine, status: 503 }, fine))[0]).toMatch(/^n1: 503/);
});

it('one value under two versions was applied twice', async () => {
  let version = 0;
  const growing = {
    ...fine,
    get version() {
      version += 1;
      return version;
    },
  };
  expect((await objections(growing, growing))[0]).toMatch(/^v1 was written once and has the versions /);
});

it('a read of an older version than was acknowledged before is stale, and at the end it is a lost write', async () => {
  let version = 1;
  const growing = {
    ...fine,
    get version() {
      version += 1;
      return version;
    },
  };
  const clients = await clientsOf(growing, { ...fine, value: 'old' }, ({ stale }) => stale > 0);
  expect(clients.lost).toBe(1);
});

it('the slowest answer is one that was waited for', async () => {
  const clients = await clientsOf(fine, fine, ({ acknowledged }) => acknowledged > 0);
  expect(clients.slowestAnswerMs).toBeGreaterThan(0);
  expect([clients.stale, clients.lost]).toEqual([0, 0]);
});
