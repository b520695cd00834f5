/** The life of the HTTP server: starting, health, overload, clients that go away, draining. */

import { once } from 'node:events';
import http from 'node:http';
import { NoLeader, NotLeader, Stopped, Timeout } from 'quorate/errors';
import { afterEach, expect, test } from 'vitest';
import { HttpServer } from '../../../packages/server/src/http/http-server.js';
import { type DelayHistogram, LoadGate } from '../../../packages/server/src/http/load-gate.js';
import { ServerMetrics } from '../../../packages/server/src/metrics/server-metrics.js';
import { FakeStore } from '../support/fake-store.js';
import { quiet, type Served, send, serveFake } from '../support/http.js';

let served: Served | null = null;
afterEach(async () => {
  await served?.close();
  served = null;
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

test('while the log is read the process is alive, not ready, and says that it is starting', async () => {
  const metrics = new ServerMetrics('n1');
  const server = new HttpServer({ logger: quiet, metrics });
  const url = await server.listen('127.0.0.1', 0);
  expect((await send(url, '/livez')).json()).toEqual({ status: 'alive' });
  for (const path of ['/readyz', '/v1/status', '/v1/kv/a']) {
    const answer = await send(url, path);
    expect({ status: answer.status, ...answer.json() }).toMatchObject({
      status: 503,
      code: 'Starting',
      retryable: true,
    });
    expect(answer.headers['retry-after']).toBe('1');
  }
  const { status, body } = await send(url, '/metrics');
  expect(status).toBe(200);
  expect(body.toString()).toContain('quorate_role{role="starting"} 1');
  const write = await send(url, '/v1/kv/a', { method: 'PUT', body: 'v' });
  expect(write.json()).toMatchObject({ code: 'Starting', outcome: 'not-applied' });
  server.attach(new FakeStore());
  expect((await send(url, '/readyz')).status).toBe(200);
  await server.close(0);
  metrics.close();
});

test('readyz asks for a confirmed bound, with a short deadline, and tells why it is not ready', async () => {
  served = await serveFake();
  expect((await send(served.url, '/readyz')).json()).toMatchObject({ status: 'ready', index: 0, term: 7 });
  const [call] = served.store.calls;
  expect(call).toMatchObject({ name: 'ready', options: { timeoutMs: 1_000 } });
  served.store.before = () => {
    throw new NoLeader();
  };
  const answer = await send(served.url, '/readyz');
  expect(answer.status).toBe(503);
  expect(answer.json()).toMatchObject({ code: 'NoLeader', detail: expect.stringContaining('majority') });
  served.store.before = () => {
    throw new Timeout({ stage: 'apply', timeoutMs: 1_000 });
  };
  const late = await send(served.url, '/readyz');
  expect({ status: late.status, ...late.json() }).toMatchObject({ status: 503, code: 'Timeout', stage: 'apply' });
  expect((await send(served.url, '/livez')).status).toBe(200);
});

test('readyz says what is wrong with the disk, and asks nobody then', async () => {
  served = await serveFake();
  served.store.disk = { state: 'stalled', stalledMs: 4_200 };
  const stalled = await send(served.url, '/readyz');
  expect({ status: stalled.status, ...stalled.json() }).toMatchObject({
    ...{ status: 503, code: 'DiskStalled', stalledMs: 4_200, retryable: true },
    detail: expect.stringContaining('4200 ms'),
  });
  expect((await send(served.url, '/v1/status')).json().disk).toEqual({ state: 'stalled', stalledMs: 4_200 });
  served.store.disk = { state: 'failed', message: 'the log cannot be written (EIO)' };
  const failed = await send(served.url, '/readyz');
  expect({ status: failed.status, ...failed.json() }).toMatchObject({
    ...{ status: 503, code: 'DiskFailed', detail: 'the log cannot be written (EIO)' },
  });
  expect(served.store.calls).toEqual([]);
  served.store.disk = { state: 'working' };
  expect((await send(served.url, '/readyz')).status).toBe(200);
});

test('readyz that waits while the disk fails says so, and not only that the node has stopped', async () => {
  served = await serveFake();
  const { store } = served;
  store.before = () => {
    store.disk = { state: 'failed', message: 'the log cannot be written (ENOSPC)' };
    throw new Stopped();
  };
  const answer = await send(served.url, '/readyz');
  expect({ status: answer.status, ...answer.json() }).toMatchObject({
    ...{ status: 503, code: 'DiskFailed', detail: 'the log cannot be written (ENOSPC)' },
  });
});

test('status tells who this replica is', async () => {
  served = await serveFake();
  await served.store.put('k', Buffer.from('v'), {});
  expect((await send(served.url, '/v1/status')).json()).toMatchObject({
    ...{ id: 'n1', role: 'leader', term: 7, commit: 1, applied: 1, lastIndex: 1, lag: 0, cluster: 'test' },
    leader: { id: 'n1' },
    members: [{ id: 'n1', connected: true }],
    versions: { server: expect.stringMatching(/^\d+\.\d+\.\d+/), protocol: 1, node: process.versions.node },
  });
});

test('a transfer is passed on, and a follower tells where the leader is', async () => {
  served = await serveFake();
  expect((await send(served.url, '/v1/leader/transfer?to=n2&timeout_ms=200', { method: 'POST' })).status).toBe(200);
  expect(served.store.calls[0]).toMatchObject({ name: 'transferLeadership', options: { timeoutMs: 200 } });
  const leader = { id: 'n3', url: 'http://127.0.0.1:4003' };
  served.store.before = () => {
    throw new NotLeader({ leader, outcome: 'not-applied' });
  };
  const answer = await send(served.url, '/v1/leader/transfer', { method: 'POST' });
  expect(answer.json()).toMatchObject({ status: 503, code: 'NotLeader', leader, outcome: 'not-applied' });
});

test('a client that goes away aborts its read', async () => {
  served = await serveFake();
  const { store, url } = served;
  const aborted = deferred();
  const waiting = new Promise<void>((resolve) => {
    store.before = async (_, { signal }) => {
      resolve();
      await new Promise<void>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }).finally(aborted.resolve);
    };
  });
  const request = http.get(`${url}/v1/kv/k`);
  const closed = once(request, 'error');
  await waiting;
  request.destroy(new Error('I have no time'));
  await closed;
  await aborted.promise;
});

test('an answer that was sent does not abort anything', async () => {
  served = await serveFake();
  await send(served.url, '/v1/kv/k');
  expect(served.store.calls[0]?.options).toHaveProperty('signal.aborted', false);
});

test('draining refuses new requests, lets those under way end, then closes', async () => {
  served = await serveFake();
  const { store, url, server } = served;
  const gate = deferred();
  const waiting = new Promise<void>((resolve) => {
    store.before = () => {
      resolve();
      return gate.promise;
    };
  });
  const underWay = send(url, '/v1/kv/k', { method: 'PUT', body: 'v' });
  await waiting;
  server.drain();
  const refused = await send(url, '/v1/kv/k', { method: 'PUT', body: 'w' });
  expect(refused.json()).toMatchObject({ status: 503, code: 'Stopped', outcome: 'not-applied', retryable: true });
  const closing = server.close(10_000);
  gate.resolve();
  expect((await underWay).status).toBe(200);
  await closing;
  await expect(send(url, '/livez')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a connection that is kept alive does not hold up the end once its request is answered', async () => {
  served = await serveFake();
  const { store, url, server } = served;
  const gate = deferred();
  const waiting = new Promise<void>((resolve) => {
    store.before = () => {
      resolve();
      return gate.promise;
    };
  });
  const agent = new http.Agent({ keepAlive: true });
  const request = http.get(`${url}/v1/kv/k`, { agent });
  const answered = once(request, 'response');
  await waiting;
  const closing = server.close(60_000);
  gate.resolve();
  const [response] = (await answered) as [http.IncomingMessage];
  response.resume();
  expect(response.headers.connection).toBe('close');
  await closing;
  agent.destroy();
});

test('closing cuts a request that does not end', async () => {
  served = await serveFake();
  const { store, url, server } = served;
  const waiting = new Promise<void>((resolve) => {
    store.before = () => {
      resolve();
      return new Promise(() => {});
    };
  });
  const stuck = send(url, '/v1/kv/k');
  const failed = expect(stuck).rejects.toMatchObject({ code: 'ECONNRESET' });
  await waiting;
  await server.close(20);
  await failed;
});

class FakeDelays implements DelayHistogram {
  samplesMs: number[] = [];
  get count(): number {
    return this.samplesMs.length;
  }
  percentile(percentile: number): number {
    const sorted = this.samplesMs.toSorted((a, b) => a - b);
    return (sorted[Math.ceil((percentile / 100) * sorted.length) - 1] ?? 0) * 1e6;
  }
  reset(): void {
    this.samplesMs = [];
  }
}

test('the gate closes while the loop is late, and opens again; one long stall does not close it', () => {
  let now = 0;
  const delays = new FakeDelays();
  const gate = new LoadGate(100, delays, () => now);
  const passesAfter = (samplesMs: number[]) => {
    delays.samplesMs = samplesMs;
    now += 1_000;
    try {
      gate.pass();
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'Overloaded', outcome: 'not-applied', limit: 100 });
      return false;
    }
  };
  expect(passesAfter([10, 11, 10, 12, 10])).toBe(true);
  expect(passesAfter([150, 180, 120, 140, 160, 130])).toBe(false);
  now += 10;
  expect(() => gate.pass()).toThrow();
  expect(passesAfter([10, 11, 10, 12, 10])).toBe(true);
  expect(passesAfter([10, 11, 3_000, 12, 10])).toBe(true);
  expect(passesAfter([3_000])).toBe(true);
});

test('a loop that is late refuses keys and answers health', async () => {
  served = await serveFake({ maxLoopDelayMs: 0 });
  // The median delay of a running process is above 0, as soon as the first second is measured.
  const { url } = served;
  await expect.poll(async () => (await send(url, '/v1/kv/k')).status, { timeout: 10_000, interval: 100 }).toBe(503);
  expect((await send(url, '/v1/kv/k')).json()).toMatchObject({ code: 'Overloaded' });
  expect((await send(url, '/v1/kv/k')).headers['retry-after']).toBe('1');
  for (const path of ['/livez', '/readyz', '/v1/status']) expect((await send(url, path)).status).toBe(200);
});
