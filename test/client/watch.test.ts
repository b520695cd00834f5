/** Watches of the client: each change once and in order, whatever becomes of the servers, and no more than is read. */
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { Client, type WatchEvent } from 'quorate/client';
import { Stopped, TokenMismatch } from 'quorate/errors';
import { afterEach, expect, test } from 'vitest';
import { serverSentEvents } from '../../packages/quorate/src/client/event-source.js';
import { FakeStore, tokenAt } from '../server/support/fake-store.js';
import { type Served, serveFake } from '../server/support/http.js';
import { eventually } from '../support/wait.js';

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(store = new FakeStore()): Promise<Served> {
  const served = await serveFake({ watchProgressMs: 50 }, store);
  cleanups.push(() => served.close());
  return served;
}

/** A server that answers watches as it is told to; resolves to its address, and keeps what it was asked. */
async function scripted(...answers: ((response: ServerResponse, request: IncomingMessage) => void)[]) {
  const asked: URLSearchParams[] = [];
  const server = http.createServer((request, response) => {
    asked.push(new URL(request.url ?? '', 'http://host').searchParams);
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    response.on('error', () => {});
    answer?.(response.writeHead(200, { 'Content-Type': 'text/event-stream' }), request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function clientOf(...endpoints: string[]): Client {
  const client = new Client({ endpoints });
  cleanups.push(() => client.close());
  return client;
}

const change = (index: number) =>
  `event: change\nid: ${tokenAt(index)}\ndata: {"index":${index},"term":1,"changes":[{"kind":"delete","key":"k"}]}\n\n`;
const progress = (index: number) => `event: progress\nid: ${tokenAt(index)}\ndata: {"index":${index}}\n\n`;

async function take(watch: AsyncIterable<WatchEvent>, until: (event: WatchEvent) => boolean): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for await (const event of watch) {
    events.push(event);
    if (until(event)) break;
  }
  return events;
}

test('a watch tells where it begins, and then what changes', async () => {
  const { url, store } = await serve();
  await store.put('k', Buffer.from('before'), {});
  const watch = clientOf(url).watch({ prefix: 'k' });
  expect(await watch.next()).toEqual({ done: false, value: { kind: 'progress', index: 1, token: tokenAt(1) } });
  await store.put('other', Buffer.from('v'), {});
  await store.put('k', Buffer.from([0, 255]), {});
  await store.delete('k', {});
  const events = await take(watch, (event) => event.index === 4);
  expect(events.filter(({ kind }) => kind === 'change')).toEqual([
    {
      kind: 'change',
      index: 3,
      term: 7,
      changes: [{ kind: 'put', key: 'k', value: Buffer.from([0, 255]), version: 3 }],
      token: tokenAt(3),
    },
    { kind: 'change', index: 4, term: 7, changes: [{ kind: 'delete', key: 'k' }], token: tokenAt(4) },
  ]);
});

test('when its server stops it goes on at another one, each change once', async () => {
  const stores = [new FakeStore('n1'), new FakeStore('n2'), new FakeStore('n3')];
  const servers = await Promise.all(stores.map((store) => serve(store)));
  const write = async (count: number) => {
    for (let at = 0; at < count; at += 1) for (const store of stores) await store.put('k', Buffer.from('v'), {});
  };
  await write(100);
  const seen: number[] = [];
  const watching = take(clientOf(...servers.map(({ url }) => url)).watch({ from: 1 }), (event) => {
    if (event.kind === 'change') seen.push(event.index);
    return event.index === 300;
  });
  for (let round = 1; round <= 2; round += 1) {
    await eventually('what there is', () => seen.length === round * 100);
    const serving = servers.find(({ server }) => server.watches.size > 0);
    await serving?.server.close(0);
    await write(100);
  }
  await watching;
  expect(seen).toEqual(Array.from({ length: 300 }, (_, at) => at + 1));
});

test('it resumes behind the last event that came whole, wherever the connection broke', async () => {
  const server = await scripted(
    (response) => {
      response.write(progress(6) + change(7) + change(8).slice(0, -5));
      setTimeout(() => response.destroy(), 50);
    },
    (response) => response.end(progress(7) + change(8)),
    (response) => response.write(progress(8) + progress(9) + change(12)),
  );
  const events = await take(clientOf(server.url).watch({ from: 7, prefix: 'k' }), ({ index }) => index === 12);
  expect(events.map(({ kind, index }) => [kind, index])).toEqual([
    ['progress', 6],
    ['change', 7],
    ['change', 8],
    ['progress', 9],
    ['change', 12],
  ]);
  expect(server.asked.map((query) => query.get('from'))).toEqual(['7', '8', '9']);
  expect(server.asked.map((query) => query.get('prefix'))).toEqual(['k', 'k', 'k']);
});

test('a change that comes again is never handed out again', async () => {
  const server = await scripted(
    (response) => response.write(change(7) + change(7)),
    (response) => response.write(change(8)),
  );
  const events = await take(clientOf(server.url).watch(), ({ index }) => index === 8);
  expect(events.map(({ index }) => index)).toEqual([7, 8]);
});

test.each([{ from: 5 }, {}])(
  'it ends with TokenMismatch when its servers were restored meanwhile: %j',
  async (place) => {
    const { url, server, store } = await serve();
    for (let at = 0; at < 9; at += 1) await store.put('k', Buffer.from('v'), {});
    const watch = clientOf(url).watch(place);
    const { index, token } = (await watch.next()).value as WatchEvent;
    store.clusterId = 'c2';
    server.watches.end(new Stopped());
    await expect(take(watch, () => false)).rejects.toBeInstanceOf(TokenMismatch);
    const resumed = clientOf(url).watch({ from: index + 1, token });
    await expect(resumed.next()).rejects.toBeInstanceOf(TokenMismatch);
    // It does not know of which history its index is.
    expect((await clientOf(url).watch(place).next()).value).toMatchObject({ kind: 'progress' });
  },
);

test('changes that are gone end it with WatchExpired', async () => {
  const store = new FakeStore('n1', { maxEntries: 1 });
  const { url } = await serve(store);
  for (let at = 0; at < 3; at += 1) await store.put('k', Buffer.from('v'), {});
  const expected = { code: 'WatchExpired', from: 1, oldest: 3 };
  await expect(clientOf(url).watch({ from: 1 }).next()).rejects.toMatchObject(expected);
  expect(() => clientOf(url).watch({ from: 0 })).toThrow(expect.objectContaining({ field: 'from' }));
});

test('changes that are gone at one server are asked of the others', async () => {
  const stores = [new FakeStore('n1', { maxEntries: 1 }), new FakeStore('n2'), new FakeStore('n3', { maxEntries: 1 })];
  const servers = await Promise.all(stores.map((store) => serve(store)));
  for (const store of stores) {
    for (let at = 0; at < 3; at += 1) await store.put('k', Buffer.from('v'), {});
  }
  // Clients begin at different servers.
  for (let round = 0; round < 6; round += 1) {
    const watch = clientOf(...servers.map(({ url }) => url)).watch({ from: 1 });
    const events = await take(watch, ({ index }) => index === 3);
    expect(events.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  }
});

test('without a server it ends, after its time, with what it failed on', async () => {
  const { url, server } = await serve();
  await server.close(0);
  const watching = clientOf(url).watch({ timeoutMs: 300 }).next();
  await expect(watching).rejects.toMatchObject({ code: 'ConnectionFailed', endpoint: url });
});

test('it ends with Canceled when its signal fires, while it waits and while it connects', async () => {
  const { url, server } = await serve();
  const controller = new AbortController();
  const watch = clientOf(url).watch({ signal: controller.signal });
  await watch.next();
  const next = take(watch, () => false);
  controller.abort(new Error('enough'));
  await expect(next).rejects.toMatchObject({ code: 'Canceled', cause: new Error('enough') });
  await eventually('the server to notice', () => server.watches.size === 0);
  const late = clientOf(url).watch({ signal: controller.signal }).next();
  await expect(late).rejects.toMatchObject({ code: 'Canceled' });
});

test('whoever stops reading it ends it; closing the client does, too', async () => {
  const { url, server } = await serve();
  await take(clientOf(url).watch(), () => true);
  await eventually('the server to notice', () => server.watches.size === 0);
  const client = clientOf(url);
  const watch = client.watch();
  await watch.next();
  client.close();
  await expect(take(watch, () => false)).rejects.toMatchObject({ code: 'ConnectionFailed' });
});

test('what is not read stays at the server', async () => {
  let sent = 0;
  const server = await scripted((response) => {
    const write = () => {
      while (sent < 1_000 && response.write(`${change(sent + 1)}: ${'x'.repeat(100_000)}\n\n`)) sent += 1;
    };
    response.on('drain', write);
    write();
  });
  const watch = clientOf(server.url).watch();
  await watch.next();
  let before = -1;
  await eventually(
    'the server to come to a halt',
    () => {
      const halted = sent === before;
      before = sent;
      return halted;
    },
    { everyMs: 300 },
  );
  expect(sent).toBeLessThan(500);
  await watch.return();
});

test('a server that says nothing any more hangs', async () => {
  const stream = new PassThrough();
  stream.write(change(1));
  const events = serverSentEvents(stream, { silentMs: 30 });
  expect((await events.next()).value).toMatchObject({ event: 'change', id: tokenAt(1) });
  await expect(events.next()).rejects.toThrow('nothing came for 30 ms');
});

test('events are read whole, however they are cut on their way; comments are none', async () => {
  const bytes = Buffer.from(`: hello\n\nevent: x\nid: 1\ndata: {"ü":\ndata:"\u{1f600}"}\n\n${change(2)}data: half`);
  const stream = new PassThrough();
  for (const byte of bytes) stream.write(Buffer.from([byte]));
  stream.end();
  const events: object[] = [];
  const reading = (async () => {
    for await (const event of serverSentEvents(stream, { silentMs: 1_000 })) events.push(event);
  })();
  await expect(reading).rejects.toThrow('in the middle of a record');
  expect(events).toEqual([
    { event: 'x', id: '1', data: '{"ü":\n"\u{1f600}"}' },
    { event: 'change', id: tokenAt(2), data: '{"index":2,"term":1,"changes":[{"kind":"delete","key":"k"}]}' },
  ]);
});
