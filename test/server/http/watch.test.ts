/** Watches over HTTP: what they tell, where they begin and resume, how they end, and what they never take. */
import http, { type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { decodeToken } from 'quorate/reads';
import { afterEach, expect, test } from 'vitest';
import type { HttpServerOptions } from '../../../packages/server/src/http/http-server.js';
import { eventually } from '../../support/wait.js';
import { FakeStore, tokenAt } from '../support/fake-store.js';
import { type Served, send, serveFake } from '../support/http.js';
import { deviations } from '../support/openapi.js';

let served: Served;
const watches: WatchConnection[] = [];
afterEach(async () => {
  for (const watch of watches.splice(0)) watch.close();
  await served.close();
});

async function serve(options: Partial<HttpServerOptions> = {}, store = new FakeStore()): Promise<FakeStore> {
  served = await serveFake(options, store);
  return store;
}

interface Event {
  readonly event: string;
  /** The index in it. */
  readonly id: number | null;
  readonly source: string | null;
  readonly data: Record<string, unknown>;
}

/** Reads events as they come. */
class WatchConnection {
  readonly events: Event[] = [];
  ended = false;
  readonly response: IncomingMessage;

  constructor(response: IncomingMessage) {
    this.response = response;
    let rest = '';
    response.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) this.events.push(parse(part));
    });
    response.on('end', () => {
      this.ended = true;
    });
    response.on('error', () => {});
  }

  async first(count: number): Promise<readonly Event[]> {
    await eventually(`${count} events`, () => this.events.length >= count, { everyMs: 1 });
    return this.events.slice(0, count);
  }

  async last(): Promise<Event | undefined> {
    await eventually('the end', () => this.ended, { everyMs: 1 });
    return this.events.at(-1);
  }

  close(): void {
    this.response.destroy();
  }
}

function parse(text: string): Event {
  const fields = new Map(text.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]));
  const { index: id, source } = fields.has('id')
    ? decodeToken(fields.get('id') as string)
    : { index: null, source: null };
  const data = JSON.parse(fields.get('data') ?? '') as Record<string, unknown>;
  return { event: fields.get('event') ?? '', id, source, data };
}

async function watch(query: string, headers: http.OutgoingHttpHeaders = {}): Promise<WatchConnection> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    http.get(`${served.url}/v1/watch${query}`, { headers, agent: false }, resolve).on('error', reject);
  });
  expect(response.statusCode).toBe(200);
  const connection = new WatchConnection(response);
  watches.push(connection);
  return connection;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

test('a watch from now on begins with the index behind which it is, then tells each change', async () => {
  const store = await serve();
  await store.put('a', Buffer.from('before'), {});
  const connection = await watch('');
  expect(connection.response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'quorate-served-by': 'n1',
  });
  await connection.first(1);
  await store.put('a', Buffer.from('1'), {});
  await store.delete('a', {});
  await store.delete('a', {});
  await store.put('a', Buffer.from('2'), { ifVersion: 77 }).catch((error: unknown) => error);
  await store.put('ü\n', Buffer.from('3'), {});
  expect(await connection.first(4)).toEqual([
    { event: 'progress', id: 1, source: 'c1', data: { index: 1 } },
    {
      ...{ event: 'change', id: 2, source: 'c1' },
      data: { index: 2, term: 7, changes: [{ kind: 'put', key: 'a', valueBase64: base64('1'), version: 2 }] },
    },
    { event: 'change', id: 3, source: 'c1', data: { index: 3, term: 7, changes: [{ kind: 'delete', key: 'a' }] } },
    {
      ...{ event: 'change', id: 6, source: 'c1' },
      data: { index: 6, term: 7, changes: [{ kind: 'put', key: 'ü\n', valueBase64: base64('3'), version: 6 }] },
    },
  ]);
});

test('a transaction is one event with all its changes, and a request that is repeated is told once', async () => {
  const store = await serve();
  const connection = await watch('');
  await connection.first(1);
  await store.put('b', Buffer.from('1'), { idempotencyKey: 'r' });
  await store.put('b', Buffer.from('1'), { idempotencyKey: 'r' });
  const value = Buffer.from('2');
  const operations = [{ put: { key: 'a', value } }, { delete: { key: 'none' } }, { delete: { key: 'b' } }];
  await store.txn({ conditions: [{ key: 'a', version: 0 }], operations }, {});
  await store.txn({ conditions: [{ key: 'a', version: 0 }], operations }, {}).catch((error: unknown) => error);
  await store.put('c', Buffer.from('3'), {});
  expect((await connection.first(4)).slice(1).map(({ id, data }) => [id, data.changes])).toEqual([
    [1, [{ kind: 'put', key: 'b', valueBase64: base64('1'), version: 1 }]],
    [
      3,
      [
        { kind: 'put', key: 'a', valueBase64: base64('2'), version: 3 },
        { kind: 'delete', key: 'b' },
      ],
    ],
    [5, [{ kind: 'put', key: 'c', valueBase64: base64('3'), version: 5 }]],
  ]);
});

test('from= is the first change wanted; Last-Event-ID, the last one seen, is newer than it', async () => {
  const store = await serve();
  for (let at = 1; at <= 5; at += 1) await store.put(`k${at}`, Buffer.from('v'), {});
  const from3 = await watch('?from=3');
  expect((await from3.first(4)).map(({ event, id }) => [event, id])).toEqual([
    ['progress', 2],
    ['change', 3],
    ['change', 4],
    ['change', 5],
  ]);
  const resumed = await watch('?from=3', { 'last-event-id': tokenAt(4) });
  expect((await resumed.first(2)).map(({ id }) => id)).toEqual([4, 5]);
  const next = await watch('?from=6');
  expect((await next.first(1)).map(({ id }) => id)).toEqual([5]);
});

test('a place in another history is a TokenMismatch, wherever it is told; a bare index is taken as it is', async () => {
  const store = await serve();
  for (let at = 1; at <= 5; at += 1) await store.put(`k${at}`, Buffer.from('v'), {});
  const seen = await watch('?from=3');
  await seen.first(1);
  seen.close();
  store.clusterId = 'c2';
  const [query, header, last] = [
    await send(served.url, `/v1/watch?from=3&token=${tokenAt(5)}`),
    await send(served.url, '/v1/watch?from=9', { headers: { 'quorate-token': tokenAt(5) } }),
    await send(served.url, `/v1/watch?token=${tokenAt(5, 'c2')}`, { headers: { 'last-event-id': tokenAt(2) } }),
  ];
  for (const answer of [query, header, last]) {
    expect({ status: answer.status, ...answer.json() }).toMatchObject({ status: 400, code: 'TokenMismatch' });
    expect(deviations('GET', '/v1/watch', answer)).toEqual([]);
  }
  const bare = await watch('?from=3');
  expect((await bare.first(2)).map(({ id, source }) => [id, source])).toEqual([
    [2, 'c2'],
    [3, 'c2'],
  ]);
  const same = await watch(`?from=3&token=${tokenAt(1, 'c2')}`);
  expect((await same.first(2)).map(({ id }) => id)).toEqual([2, 3]);
});

test('only changes under the prefix are told; progress carries the index on for a quiet prefix', async () => {
  const store = await serve({ watchProgressMs: 20 }, new FakeStore('n1', { maxEntries: 3 }));
  const connection = await watch('?prefix=quiet/');
  for (let at = 0; at < 10; at += 1) await store.put(`loud/${at}`, Buffer.from('v'), {});
  await eventually('progress', () => connection.events.at(-1)?.id === 10);
  expect(connection.events.every(({ event }) => event === 'progress')).toBe(true);
  await store.put('quiet/1', Buffer.from('v'), {});
  await eventually('the change', () => connection.events.some(({ event, id }) => event === 'change' && id === 11));
});

test('all changes of one entry are one event', async () => {
  const store = await serve();
  const connection = await watch('?prefix=a');
  await connection.first(1);
  store.history.begin(1);
  store.history.record(1, 7, [
    { kind: 'put', key: 'a1', value: Buffer.from('v'), version: 1 },
    { kind: 'put', key: 'b', value: Buffer.from('v'), version: 1 },
    { kind: 'delete', key: 'a2' },
  ]);
  store.history.publish(1);
  const [, event] = await connection.first(2);
  expect(event).toMatchObject({ event: 'change', id: 1, data: { changes: [{ key: 'a1' }, { key: 'a2' }] } });
});

test('what is not kept any more is gone: 410, with the oldest index that is there', async () => {
  const store = await serve({}, new FakeStore('n1', { maxEntries: 3 }));
  for (let at = 1; at <= 5; at += 1) await store.put('k', Buffer.from('v'), {});
  const gone = await send(served.url, '/v1/watch?from=2');
  expect({ status: gone.status, ...gone.json() }).toMatchObject({
    ...{ status: 410, code: 'WatchExpired', from: 2, oldest: 3, retryable: false },
  });
  expect((await send(served.url, '/v1/watch', { headers: { 'last-event-id': tokenAt(1) } })).status).toBe(410);
  expect(await (await watch('?from=3')).first(4)).toHaveLength(4);
});

test.each([
  ['?from=0', {}, 'from'],
  ['?from=x', {}, 'from'],
  ['?until=7', {}, 'until'],
  ['', { 'last-event-id': 'x' }, 'Last-Event-ID'],
  ['', { 'last-event-id': '7' }, 'Last-Event-ID'],
  ['', { 'last-event-id': tokenAt(Number.MAX_SAFE_INTEGER) }, 'Last-Event-ID'],
  ['?token=a', { 'quorate-token': 'b' }, 'token'],
])('%s with %o is refused, naming %s', async (query, headers, field) => {
  await serve();
  const answer = await send(served.url, `/v1/watch${query}`, { headers });
  expect({ status: answer.status, ...answer.json() }).toMatchObject({ status: 400, code: 'InvalidArgument', field });
});

test('a HEAD tells the headers of a watch and ends', async () => {
  await serve();
  const answer = await send(served.url, '/v1/watch', { method: 'HEAD' });
  expect(answer.status).toBe(200);
  expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8' });
});

test('the watch above the limit is refused; a place is free again when a client has gone', async () => {
  await serve({ maxWatches: 2 });
  const first = await watch('');
  await watch('');
  const refused = await send(served.url, '/v1/watch');
  expect({ status: refused.status, ...refused.json() }).toMatchObject({
    ...{ status: 503, code: 'Overloaded', queue: 'watches', limit: 2 },
  });
  first.close();
  await eventually('a free place', async () => {
    const response = await new Promise<IncomingMessage>((resolve) => {
      http.get(`${served.url}/v1/watch`, { agent: false }, resolve);
    });
    response.on('error', () => {}).destroy();
    return response.statusCode === 200;
  });
});

test('a server that stops ends its watches with a last event without an id, and does not wait for them', async () => {
  await serve();
  const connection = await watch('');
  await served.server.close(60_000);
  expect(await connection.last()).toMatchObject({ event: 'end', id: null, data: { code: 'Stopped', retryable: true } });
});

test('a watch that has not begun yet when its server stops is refused with Stopped', async () => {
  const store = await serve();
  const waits = new Promise<void>((resolve) => {
    store.before = (_, { signal }) =>
      new Promise((__, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('given up')), { once: true });
        resolve();
      });
  });
  const refused = send(served.url, '/v1/watch');
  await waits;
  served.server.drain();
  expect((await refused).json()).toMatchObject({ status: 503, code: 'Stopped', retryable: true });
});

test('a store that stops by itself ends the watches, too', async () => {
  const store = await serve();
  const connection = await watch('');
  store.fail(new Error('the disk has failed'));
  expect(await connection.last()).toMatchObject({ event: 'end', data: { code: 'Stopped' } });
});

test('a replica that knows no leader sends its watches elsewhere', async () => {
  const store = await serve({ watchProgressMs: 20 });
  const connection = await watch('');
  await connection.first(2);
  const { status } = store;
  store.status = () => ({ ...status.call(store), leader: null });
  expect(await connection.last()).toMatchObject({ event: 'end', data: { code: 'NoLeader', retryable: true } });
});

/** Sends the request and reads nothing until told. */
async function stalled(): Promise<{ text: () => Promise<string>; close: () => void }> {
  const { hostname, port } = new URL(served.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.pause();
  socket.write(`GET /v1/watch?from=1 HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
  return {
    close: () => socket.destroy(),
    text: () =>
      new Promise((resolve) => {
        let text = '';
        socket.setEncoding('utf8').on('data', (data: string) => {
          text += data;
        });
        socket.on('close', () => resolve(text));
        socket.resume();
      }),
  };
}

/** More than the buffers of two sockets hold. */
async function fill(store: FakeStore): Promise<void> {
  for (let at = 0; at < 40; at += 1) await store.put(`k${at}`, Buffer.alloc(1_000_000, 'v'), {});
}

test('a client that reads nothing holds up nobody, and is cut in the end', async () => {
  const store = await serve({ stallMs: 1_000 });
  await fill(store);
  const client = await stalled();
  const other = await watch('?from=1');
  await other.first(41);
  await eventually('the cut', () => served.server.watches.size === 1);
  client.close();
});

test('a client that falls out of the history is told so in its last event', async () => {
  const store = await serve({}, new FakeStore('n1', { maxEntries: 50 }));
  await fill(store);
  const client = await stalled();
  await eventually('the watch', () => store.calls.some(({ name }) => name === 'watch'));
  for (let at = 0; at < 50; at += 1) await store.put(`k${at}`, Buffer.from('v'), {});
  const text = await client.text();
  expect(text).toContain(`event: change\nid: ${tokenAt(1)}\n`);
  expect(/event: end\ndata: (.*)\n\n/.exec(text)?.[1]).toContain('"code":"WatchExpired"');
});

/** How many steps watches took in each turn of the loop, in which one takes `stepMs` at least. */
function countSteps(
  store: FakeStore,
  stepMs = 0,
  of: 'changes' | 'progress' = 'changes',
): { readonly most: () => number; readonly stop: () => void } {
  let turn = 0;
  let timer = setImmediate(function next() {
    turn += 1;
    timer = setImmediate(next);
  });
  const steps = new Map<number, number>();
  const { watch: open } = store;
  store.watch = async (...request) => {
    const cursor = await open.apply(store, request);
    const { take, upTo } = cursor;
    const count = () => {
      steps.set(turn, (steps.get(turn) ?? 0) + 1);
      for (const end = performance.now() + stepMs; performance.now() < end; );
    };
    if (of === 'progress') {
      // The first is part of the request.
      let isFirst = true;
      const told = () => {
        if (!isFirst) count();
        isFirst = false;
        return upTo;
      };
      return Object.defineProperty(cursor, 'upTo', { get: told });
    }
    cursor.take = () => {
      count();
      return take.call(cursor);
    };
    return cursor;
  };
  return { most: () => Math.max(...steps.values()), stop: () => clearImmediate(timer) };
}

test('a watch that resumes a long history takes one step of it in a turn of the loop', async () => {
  const store = await serve();
  for (let index = 1; index <= 20_000; index += 1) {
    store.history.begin(index);
    store.history.record(index, 7, [{ kind: 'put', key: `k${index}`, value: Buffer.alloc(100), version: index }]);
    store.history.publish(index);
  }
  const steps = countSteps(store);
  const events = await (await watch('?from=1')).first(20_001);
  steps.stop();
  expect(events.map(({ id }) => id)).toEqual([...events.keys()]);
  // Two when the turns are counted in the middle of one.
  expect(steps.most()).toBeLessThanOrEqual(2);
});

test('hundreds of watches are told how far they are a few in a turn, too', async () => {
  const store = await serve({ watchProgressMs: 300 });
  const steps = countSteps(store, 1, 'progress');
  const connections = await Promise.all(Array.from({ length: 100 }, () => watch('')));
  await Promise.all(connections.map((connection) => connection.first(2)));
  steps.stop();
  expect(steps.most()).toBeLessThanOrEqual(6);
});

test('hundreds of watches are told all in order, a few in a turn, and others are answered meanwhile', async () => {
  const store = await serve();
  const steps = countSteps(store, 1);
  const connections = await Promise.all(
    Array.from({ length: 300 }, (_, at) => watch(`?prefix=${['', 'a/', 'b/'][at % 3]}`)),
  );
  await Promise.all(connections.map((connection) => connection.first(1)));
  const ids = ({ events }: WatchConnection) => events.filter(({ event }) => event === 'change').map(({ id }) => id);
  for (let at = 1; at <= 40; at += 1) await store.put(`${at % 2 === 0 ? 'a' : 'b'}/${at}`, Buffer.alloc(1_000), {});
  expect((await send(served.url, '/v1/kv/none')).status).toBe(404);
  const told = connections.filter((connection) => ids(connection).length > 0).length;
  expect(told).toBeLessThan(connections.length);
  const all = Array.from({ length: 40 }, (_, at) => at + 1);
  for (const [at, connection] of connections.entries()) {
    const expected = all.filter((id) => at % 3 === 0 || id % 2 === (at % 3) - 1);
    await eventually('all changes', () => ids(connection).length >= expected.length, { everyMs: 5 });
    expect(ids(connection)).toEqual(expected);
  }
  steps.stop();
  expect(steps.most()).toBeLessThanOrEqual(6);
});
