/** The client against real HTTP servers: results, errors of the same classes, and only the retries that are safe. */
import http from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Client, ConditionFailed, ConnectionFailed, NotImplemented, ValueTooLarge } from 'quorate/client';
import {
  Canceled,
  LagBehind,
  NoLeader,
  NotLeader,
  Overloaded,
  TermChanged,
  Timeout,
  TokenMismatch,
} from 'quorate/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeStore, tokenAt } from '../server/support/fake-store.js';
import { type Served, serveFake } from '../server/support/http.js';

const cleanups: (() => void | Promise<void>)[] = [];
let first: Served;
let second: Served;
let third: Served;

beforeEach(async () => {
  [first, second, third] = (await Promise.all(
    ['n1', 'n2', 'n3'].map((id) => serveFake({ maxValueBytes: 1_000 }, new FakeStore(id))),
  )) as [Served, Served, Served];
  cleanups.push(
    () => first.close(),
    () => second.close(),
    () => third.close(),
  );
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function clientOf(...endpoints: string[]): Client {
  const client = new Client({ endpoints, timeoutMs: 5_000 });
  cleanups.push(() => client.close());
  return client;
}

/** A client that has had an answer before, so that its first write is the first thing that it sends. */
function writerOf(...endpoints: string[]): Client {
  const client = new Client({ endpoints, timeoutMs: 5_000, token: tokenAt(0) });
  cleanups.push(() => client.close());
  return client;
}

/** The address of a port on which nothing listens. */
async function deadEndpoint(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

/** A server that takes connections, and does with them what `act` does. */
async function socketServer(act: (socket: Socket) => void): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    act(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => connections };
}

test('put, get, delete, with what the server told about each', async () => {
  const client = clientOf(first.url);
  const written = await client.put('greeting', 'good morning');
  expect(written).toEqual({ index: 1, term: 7, version: 1, token: tokenAt(1) });
  const { value, ...seen } = await client.get('greeting');
  expect(Buffer.from(value?.value ?? []).toString()).toBe('good morning');
  expect(value?.version).toBe(1);
  expect(seen).toEqual({
    ...{ index: 1, term: 7, appliedIndex: 1, level: 'linearizable', servedBy: 'n1', role: 'leader', token: tokenAt(1) },
  });
  expect(await client.delete('greeting', { ifVersion: 1 })).toEqual({
    index: 2,
    term: 7,
    deleted: true,
    token: tokenAt(2),
  });
  expect(await client.get('greeting')).toMatchObject({ value: null, appliedIndex: 2 });
  expect((await client.put('bytes', new Uint8Array([0, 255]))).version).toBe(3);
  expect(Buffer.from((await client.get('bytes')).value?.value ?? []).toString('hex')).toBe('00ff');
});

test.each(['.', '..', 'a/b', '?', '#', '%', ' ', '+', '\u0000', 'ключ', '\u{1f600}', 'a/../b', '//'])(
  'the key %j arrives as it is',
  async (key) => {
    const client = clientOf(first.url);
    await client.put(key, key);
    expect(first.store.state.has(key)).toBe(true);
    expect(Buffer.from((await client.get(key)).value?.value ?? []).toString()).toBe(key);
    expect(await client.delete(key)).toMatchObject({ deleted: true });
  },
);

test('a range comes in pages, and entries() goes through all of them', async () => {
  for (let at = 0; at < 2_345; at += 1)
    await first.store.put(`k${String(at).padStart(4, '0')}`, Buffer.from([at % 256]), {});
  const client = clientOf(first.url);
  const page = await client.range({ prefix: 'k', limit: 3 });
  expect(page.value.entries.map((entry) => entry.key)).toEqual(['k0000', 'k0001', 'k0002']);
  expect(page.value.next).toBe('k0003');
  let count = 0;
  for await (const { key, value } of client.entries()) {
    expect(key).toBe(`k${String(count).padStart(4, '0')}`);
    expect(value[0]).toBe(count % 256);
    count += 1;
  }
  expect(count).toBe(2_345);
});

test('entries() keeps its level: a session takes its token along to every page, a local read nothing', async () => {
  for (let at = 0; at < 5; at += 1) await first.store.put(`k${at}`, Buffer.from('v'), {});
  const client = clientOf(first.url);
  const { token } = await client.put('k9', 'v');
  const pages = async (options: { level: 'session' | 'local' }) => {
    first.store.calls.length = 0;
    const keys: string[] = [];
    for await (const { key } of client.entries({ limit: 2 }, options)) keys.push(key);
    expect(keys).toHaveLength(6);
    return first.store.calls.map((call) => call.options as { token?: string; minIndex?: number });
  };
  for (const call of await pages({ level: 'session' })) expect(call.token ?? call.minIndex).toBeDefined();
  expect((await pages({ level: 'session' }))[0]).toMatchObject({ token });
  for (const call of await pages({ level: 'local' }))
    expect([call.token, call.minIndex]).toEqual([undefined, undefined]);
  const stranger = clientOf(first.url).entries({}, { level: 'session' }).next();
  await expect(stranger).rejects.toMatchObject({ code: 'InvalidArgument', field: 'token' });
});

test('errors come back as the classes that they were', async () => {
  const client = clientOf(first.url);
  await client.put('k', 'v');
  const condition = await client.put('k', 'w', { ifVersion: 0 }).catch((error: unknown) => error);
  expect(condition).toBeInstanceOf(ConditionFailed);
  expect(condition).toMatchObject({ expected: 0, actual: 1, outcome: 'not-applied' });
  await expect(client.put('k', 'w', { ifTerm: 3 })).rejects.toBeInstanceOf(TermChanged);
  await expect(client.get('k', { token: tokenAt(1, 'other') })).rejects.toBeInstanceOf(TokenMismatch);
  await expect(client.put('k', Buffer.alloc(1_001))).rejects.toBeInstanceOf(ValueTooLarge);
  await expect(client.get('k', { level: 'lease' as never })).rejects.toBeInstanceOf(NotImplemented);
  await expect(client.get('')).rejects.toMatchObject({
    code: 'InvalidArgument',
    message: expect.stringContaining('key'),
  });
  await expect(client.get('\ud800')).rejects.toMatchObject({ code: 'InvalidArgument', field: 'key' });
  expect(first.store.calls.filter((call) => call.name === 'put')).toHaveLength(3);
});

test('reads go to all servers in turn', async () => {
  const client = clientOf(first.url, second.url, third.url);
  const servedBy = new Map<string, number>();
  for (let at = 0; at < 9; at += 1) {
    const { servedBy: id } = await client.get('k');
    servedBy.set(id, (servedBy.get(id) ?? 0) + 1);
  }
  expect(servedBy).toEqual(
    new Map([
      ['n1', 3],
      ['n2', 3],
      ['n3', 3],
    ]),
  );
});

test('a read that fails in a way that passes is asked at another replica, with its floor', async () => {
  const client = clientOf(first.url, second.url, third.url);
  for (const { store } of [first, second, third]) {
    store.before = () => {
      if (calls().length === 1) throw new LagBehind({ required: 77, applied: 1, limit: 2 });
      if (calls().length === 2) throw new LagBehind({ required: 60, applied: 1, limit: 2 });
    };
  }
  const calls = () => [first, second, third].flatMap(({ store }) => store.calls);
  await client.get('k', { minIndex: 5 });
  expect(calls()).toHaveLength(3);
  const asked = new Map([first, second, third].map(({ store }) => [store.id, store.calls.length]));
  expect(asked).toEqual(
    new Map([
      ['n1', 1],
      ['n2', 1],
      ['n3', 1],
    ]),
  );
  expect(
    calls()
      .map((call) => (call.options as { minIndex: number }).minIndex)
      .sort((a, b) => a - b),
  ).toEqual([5, 77, 77]);
});

test('a failure that does not pass is not asked again', async () => {
  const client = clientOf(first.url, second.url);
  await expect(client.get('k', { token: tokenAt(1, 'other') })).rejects.toBeInstanceOf(TokenMismatch);
  expect(first.store.calls.length + second.store.calls.length).toBe(1);
});

test('a write that certainly was not applied is sent again, to the leader that the answer names', async () => {
  const client = writerOf(first.url, second.url);
  for (const { store } of [first, second]) {
    store.before = () => {
      throw new NotLeader({ outcome: 'not-applied', leader: { id: 'n3', url: third.url } });
    };
  }
  expect(await client.put('k', 'v')).toMatchObject({ version: 1 });
  expect(third.store.state.has('k')).toBe(true);
  expect(first.store.calls.length + second.store.calls.length).toBe(1);
});

test('a server that is down is passed over: nothing was sent, so that a write may go elsewhere', async () => {
  const client = clientOf(await deadEndpoint(), first.url);
  for (let at = 0; at < 6; at += 1) await client.put('k', `${at}`);
  for (let at = 0; at < 6; at += 1) expect(await client.get('k')).toMatchObject({ servedBy: 'n1' });
  expect(first.store.state.get('k')?.version).toBe(6);
});

test('a connection lost after sending: a read goes elsewhere', async () => {
  const broken = await socketServer((socket) => socket.once('data', () => socket.destroy()));
  const client = clientOf(broken.url, first.url);
  for (let at = 0; at < 4; at += 1) expect(await client.get('k')).toMatchObject({ servedBy: 'n1' });
});

test('when no server is reached until the deadline, the error says so, and a write was not applied', async () => {
  const client = clientOf(await deadEndpoint(), await deadEndpoint());
  await expect(client.put('k', 'v', { timeoutMs: 150 })).rejects.toMatchObject({
    ...{ code: 'ConnectionFailed', outcome: 'not-applied', retryable: true },
  });
  const read = await client.get('k', { timeoutMs: 150 }).catch((error: unknown) => error);
  expect(read).toMatchObject({ code: 'ConnectionFailed', outcome: null });
});

test('the last typed error is told at the deadline, not a time-out', async () => {
  const client = clientOf(first.url, second.url);
  for (const { store } of [first, second]) {
    store.before = () => {
      throw new NoLeader({ outcome: 'not-applied' });
    };
  }
  await expect(client.get('k', { timeoutMs: 400 })).rejects.toBeInstanceOf(NoLeader);
  expect(first.store.calls.length).toBeGreaterThan(1);
});

test('a write at its deadline is not applied only if every attempt was answered so', async () => {
  first.store.before = () => {
    throw new NoLeader({ outcome: 'not-applied' });
  };
  const failure = await writerOf(first.url)
    .put('k', 'v', { timeoutMs: 400 })
    .catch((error: unknown) => error);
  // The last attempt may be cut by the deadline on a machine that is slow: then nobody can tell.
  const expected = failure instanceof Timeout ? { outcome: 'unknown' } : { code: 'NoLeader', outcome: 'not-applied' };
  expect(failure).toMatchObject(expected);
  expect(first.store.calls.length).toBeGreaterThan(1);
});

test('a server that hangs costs a read half of its time, and another answers', async () => {
  const hanging = await socketServer(() => {});
  const client = clientOf(hanging.url, first.url);
  for (let at = 0; at < 2; at += 1) {
    expect(await client.get('k', { timeoutMs: 1_000 })).toMatchObject({ servedBy: 'n1' });
  }
});

test('a server that hangs: a write ends at the deadline, unknown', async () => {
  const hanging = await socketServer(() => {});
  const failure = await writerOf(hanging.url)
    .put('k', 'v', { timeoutMs: 100 })
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Timeout);
  expect(failure).toMatchObject({ outcome: 'unknown', timeoutMs: 100 });
  expect(hanging.connections()).toBe(1);
});

test('abort ends a call; a write that was sent is unknown, one that was not is not applied', async () => {
  const hanging = await socketServer((socket) => socket.once('data', () => controller.abort()));
  const controller = new AbortController();
  const sent = await writerOf(hanging.url)
    .put('k', 'v', { signal: controller.signal })
    .catch((error: unknown) => error);
  expect(sent).toBeInstanceOf(Canceled);
  expect(sent).toMatchObject({ outcome: 'unknown' });
  const { signal } = controller;
  for (const client of [clientOf(first.url), writerOf(first.url)]) {
    await expect(client.put('k', 'v', { signal })).rejects.toMatchObject({ code: 'Canceled', outcome: 'not-applied' });
  }
  expect(first.store.calls).toHaveLength(0);
});

test('abort ends the pause between two attempts, and leaves no listener behind', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let added = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  Object.assign(signal, {
    addEventListener: (...call: Parameters<typeof add>) => {
      added += 1;
      add(...call);
    },
    removeEventListener: (...call: Parameters<typeof remove>) => {
      added -= 1;
      remove(...call);
    },
  });
  first.store.before = () => {
    if (first.store.calls.length < 3) throw new NoLeader();
  };
  await clientOf(first.url).get('k', { signal });
  expect(added).toBe(0);
  first.store.before = () => {
    setImmediate(() => controller.abort(new Error('enough')));
    throw new NoLeader();
  };
  await expect(clientOf(first.url).get('k', { signal })).rejects.toBeInstanceOf(Canceled);
});

test('the newest token is remembered, and session reads carry it', async () => {
  const client = clientOf(first.url);
  expect(client.token).toBeNull();
  await expect(client.get('k', { level: 'session' })).rejects.toMatchObject({ code: 'InvalidArgument' });
  await client.put('k', 'v');
  expect(client.token).toBe(tokenAt(1));
  await client.get('k', { level: 'session' });
  expect(first.store.calls.at(-1)?.options).toMatchObject({ level: 'session', token: tokenAt(1) });
  await client.get('k', { level: 'session', token: tokenAt(0) });
  expect(first.store.calls.at(-1)?.options).toMatchObject({ token: tokenAt(0) });
  await client.get('k');
  expect(first.store.calls.at(-1)?.options).not.toHaveProperty('token');
  const resumed = new Client({ endpoints: [first.url], token: tokenAt(1) });
  expect(await resumed.get('k', { level: 'session' })).toMatchObject({ token: tokenAt(1) });
  resumed.close();
});

test('the token never goes back, in whatever order answers come', async () => {
  const client = clientOf(first.url);
  await client.put('k', 'v');
  await client.put('k', 'w');
  first.store.index = 1;
  await client.get('k');
  expect(client.token).toBe(tokenAt(2));
});

test('above the limit of calls under way the next one fails, and nothing was sent', async () => {
  const hanging = await socketServer(() => {});
  const client = new Client({ endpoints: [hanging.url], maxInFlight: 1, timeoutMs: 100 });
  const under = expect(client.get('k')).rejects.toBeInstanceOf(Timeout);
  await expect(client.put('k', 'v')).rejects.toMatchObject({ code: 'Overloaded', outcome: 'not-applied' });
  await under;
  await expect(client.get('k')).rejects.not.toBeInstanceOf(Overloaded);
  client.close();
});

test('something else than Quorate on that port is told so', async () => {
  const other = http.createServer((_, response) => response.end('<html>hello</html>'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => void other.close());
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const told = { code: 'ConnectionFailed', message: expect.stringContaining('is this a Quorate server?') };
  await expect(clientOf(url).get('k')).rejects.toMatchObject(told);
  await expect(clientOf(url).put('k', 'v')).rejects.toMatchObject({ ...told, outcome: 'not-applied' });
  await expect(writerOf(url).put('k', 'v')).rejects.toMatchObject({ ...told, outcome: 'unknown' });
});

test('status is asked of the server that is named, once', async () => {
  const client = clientOf(first.url, second.url);
  expect(await client.status({ endpoint: second.url })).toMatchObject({ id: 'n2' });
  const dead = await deadEndpoint();
  const startedAt = performance.now();
  await expect(client.status({ endpoint: dead })).rejects.toBeInstanceOf(ConnectionFailed);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test('a transfer follows the hint to the leader', async () => {
  first.store.before = () => {
    throw new NotLeader({ outcome: 'not-applied', leader: { id: 'n2', url: second.url } });
  };
  await clientOf(first.url).transferLeadership({ to: 'n3' });
  expect(second.store.calls).toMatchObject([{ name: 'transferLeadership' }]);
});

test.each([
  [{ endpoints: [] }, 'endpoints'],
  [{ endpoints: ['localhost:4001'] }, 'endpoints'],
  [{ endpoints: ['http://a/b'] }, 'endpoints'],
  [{ endpoints: ['http://a'], timeoutMs: 0 }, 'timeoutMs'],
  [{ endpoints: ['http://a'], timeoutMs: Number.NaN }, 'timeoutMs'],
  [{ endpoints: ['http://a'], maxInFlight: 0 }, 'maxInFlight'],
])('bad options are refused by name: %j', (options, field) => {
  expect(() => new Client(options)).toThrow(expect.objectContaining({ code: 'InvalidArgument', field }));
});
