/** `/v1/snapshot`: taken now, sent as a file, and never a half that looks whole. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Client } from 'quorate/client';
import { DiskFailed, InvalidArgument, NoLeader, Overloaded, Timeout } from 'quorate/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeStore } from '../support/fake-store.js';
import { type Served, send, serveFake } from '../support/http.js';
import { deviations } from '../support/openapi.js';

let served: Served;
let client: Client;

beforeEach(async () => {
  served = await serveFake();
  client = new Client({ endpoints: [served.url], timeoutMs: 2_000 });
});
afterEach(async () => {
  client.close();
  await served.close();
});

test("POST takes one and says of what; the deadline is the caller's, to an hour", async () => {
  served.store.index = 41;
  const answer = await send(served.url, '/v1/snapshot?timeout_ms=3600000', { method: 'POST' });
  expect(answer.status).toBe(200);
  expect(answer.json()).toEqual({ index: 41, term: 7 });
  expect(deviations('POST', '/v1/snapshot', answer)).toEqual([]);
  expect(served.store.calls.at(-1)).toMatchObject({ name: 'takeSnapshot', options: { timeoutMs: 3_600_000 } });
  expect(await client.snapshot()).toEqual({ index: 41, term: 7 });
  expect(await client.snapshot({ endpoint: served.url, timeoutMs: 1_000 })).toEqual({ index: 41, term: 7 });
  const wrong = await send(served.url, '/v1/snapshot?timeout_ms=3600001', { method: 'POST' });
  expect(wrong.json()).toMatchObject({ status: 400, code: 'InvalidArgument', field: 'timeout_ms' });
});

test.each([
  [503, new NoLeader({ outcome: 'not-applied' })],
  [400, new InvalidArgument({ field: 'stateMachine', expected: 'one with snapshots', received: 'one without' })],
  [500, new DiskFailed('no space', { outcome: 'not-applied' })],
  [504, new Timeout({ stage: 'snapshot', timeoutMs: 5 }, { outcome: 'unknown' })],
])('why there is none is a problem document (%i)', async (status, error) => {
  served.store.before = () => {
    throw error;
  };
  for (const method of ['GET', 'POST']) {
    const answer = await send(served.url, '/v1/snapshot', { method });
    expect(answer.status).toBe(status);
    expect(answer.json()).toMatchObject({ code: error.code });
    expect(deviations(method, '/v1/snapshot', answer)).toEqual([]);
  }
  const refused = client.snapshot({ timeoutMs: 100 });
  await expect(refused).rejects.toMatchObject({ code: error.code });
  await expect(client.backup({ timeoutMs: 100 })).rejects.toMatchObject({ code: error.code });
});

test('GET sends the file as it is, with its size and position', async () => {
  const answer = await send(served.url, '/v1/snapshot');
  expect(answer.status).toBe(200);
  expect(answer.body.toString()).toBe('a backup');
  expect(answer.headers).toMatchObject({
    ...{ 'quorate-index': '0', 'quorate-term': '7', 'content-length': '8' },
    'content-type': 'application/octet-stream',
  });
  expect(deviations('GET', '/v1/snapshot', answer)).toEqual([]);
  const head = await send(served.url, '/v1/snapshot', { method: 'HEAD' });
  expect(head).toMatchObject({ status: 200, body: Buffer.alloc(0) });
  const backup = await client.backup();
  const parts: Uint8Array[] = [];
  for await (const part of backup.chunks) parts.push(part);
  expect(backup).toMatchObject({ index: 0, term: 7, bytes: 8 });
  expect(Buffer.concat(parts).toString()).toBe('a backup');
});

test('a file that comes for longer than the deadline is not cut: the deadline is for its beginning', async () => {
  served.store.backupPauseMs = 1_500;
  const { chunks } = await client.backup({ timeoutMs: 1_000 });
  const parts: Uint8Array[] = [];
  for await (const part of chunks) parts.push(part);
  expect(Buffer.concat(parts).toString()).toBe('a backup');
});

test('the server that makes a backup is given all of the time: elsewhere it would be begun anew', async () => {
  const others = [await serveFake({}, new FakeStore('n2')), await serveFake({}, new FakeStore('n3'))];
  const all = [served, ...others];
  const own = new Client({ endpoints: all.map(({ url }) => url) });
  const { bytes } = await own.backup({ timeoutMs: 60_000 }).finally(() => own.close());
  expect(bytes).toBe(8);
  const asked = all.flatMap(({ store }) => store.calls.filter(({ name }) => name === 'openBackup'));
  expect(asked.map(({ options }) => (options as { timeoutMs: number }).timeoutMs > 45_000)).toEqual([true]);
  await Promise.all(others.map((other) => other.close()));
});

test('a server that is ready and then fails is not the last one to be asked for a backup', async () => {
  const other = await serveFake({}, new FakeStore('n2'));
  for (const { store } of [served, other]) {
    store.before = (name) => {
      const opened = [served, other].flatMap(({ store: { calls } }) => calls.filter((each) => each.name === name));
      if (name === 'openBackup' && opened.length === 1) throw new Overloaded({ queue: 'exports', limit: 16 });
    };
  }
  const own = new Client({ endpoints: [served.url, other.url] });
  expect((await own.backup().finally(() => own.close())).bytes).toBe(8);
  for (const { store } of [served, other]) {
    expect(store.calls.filter(({ name }) => name === 'openBackup')).toHaveLength(1);
  }
  await other.close();
});

test('a server whose disk has failed is passed over, whether it is ready for a backup or not', async () => {
  const other = await serveFake({}, new FakeStore('n2'));
  // Clients begin at different servers.
  for (let round = 0; round < 8; round += 1) {
    const isTold = round % 2 === 0;
    served.store.disk = isTold ? { state: 'failed', message: 'the disk is gone' } : { state: 'working' };
    served.store.before = (name) => {
      if (name === 'openBackup') throw new DiskFailed('there is no room for a snapshot');
    };
    const own = new Client({ endpoints: [served.url, other.url] });
    expect((await own.backup().finally(() => own.close())).bytes).toBe(8);
  }
  const alone = new Client({ endpoints: [served.url] });
  await expect(alone.backup().finally(() => alone.close())).rejects.toMatchObject({ code: 'DiskFailed' });
  await other.close();
});

test('a server that hangs does not take all of the time of a backup', async () => {
  const sockets = new Set<Socket>();
  const hanging = createServer((socket) => sockets.add(socket));
  await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}`;
  // Clients begin at different servers.
  for (let round = 0; round < 4; round += 1) {
    const own = new Client({ endpoints: [url, served.url] });
    expect((await own.backup({ timeoutMs: 10_000 })).bytes).toBe(8);
    own.close();
  }
  for (const socket of sockets) socket.destroy();
  hanging.close();
});

test('a file that cannot be read to its end breaks the connection, and the client says so', async () => {
  served.store.backupFails = new Error('EIO');
  const backup = await client.backup();
  const read = async () => {
    for await (const part of backup.chunks) void part;
  };
  await expect(read()).rejects.toMatchObject({
    code: 'ConnectionFailed',
    message: expect.stringContaining('broke off'),
  });
});

test('a caller that goes away is waited for no more', async () => {
  let aborted: Promise<unknown> = Promise.resolve();
  const asked = new Promise<void>((resolve) => {
    served.store.before = (_, { signal }) => {
      aborted = new Promise((end) => signal?.addEventListener('abort', end));
      resolve();
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    };
  });
  const controller = new AbortController();
  const call = client.snapshot({ signal: controller.signal });
  await asked;
  controller.abort();
  await expect(call).rejects.toMatchObject({ code: 'Canceled' });
  await aborted;
});
