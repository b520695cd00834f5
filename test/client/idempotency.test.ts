/** Writes that carry a key and a token, so that they may be sent again, and what a failed one may claim. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Client, type ClientOptions, ConditionFailed, IdempotencyExpired, IdempotencyKeyReused } from 'quorate/client';
import { Canceled, InvalidArgument, LeadershipLost, NoLeader, Stopped, TermChanged } from 'quorate/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WriteOptions } from '../../packages/server/src/store/store.js';
import { FakeStore, tokenAt } from '../server/support/fake-store.js';
import { type Served, send, serveFake } from '../server/support/http.js';

const cleanups: (() => void | Promise<void>)[] = [];
let first: Served;
let second: Served;

beforeEach(async () => {
  const store = new FakeStore('n1');
  // Two servers of one store: what is written through one is there in the other.
  [first, second] = [await serveFake({}, store), await serveFake({}, store)];
  cleanups.push(
    () => first.close(),
    () => second.close(),
  );
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function clientOf(options: Partial<ClientOptions> = {}): Client {
  const client = new Client({ endpoints: [first.url, second.url], timeoutMs: 5_000, ...options });
  cleanups.push(() => client.close());
  return client;
}

const writes = () => first.store.calls.filter(({ name }) => ['put', 'delete', 'txn'].includes(name));
const optionsOf = (at: number) => writes()[at]?.options as WriteOptions;

/** Passes every request on to the store, and cuts the connection in place of the first `lost` answers to writes. */
async function losesAnswers(lost: number): Promise<string> {
  let left = lost;
  const forward = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, headers, url = '' } = request;
    const answer = await send(first.url, url, { ...(method && { method }), headers, body: await buffer(request) });
    if (method !== 'GET' && left > 0) {
      left -= 1;
      response.destroy();
      return;
    }
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  };
  const server = createServer((request, response) => void forward(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a write whose answer was lost is sent again and applied once', async () => {
  const client = clientOf({ endpoints: [await losesAnswers(2)], token: tokenAt(0) });
  expect(await client.put('k', 'v')).toEqual({ index: 1, term: 7, version: 1, token: tokenAt(1) });
  expect(await client.put('k', 'v')).toMatchObject({ version: 4 });
  expect(writes()).toHaveLength(4);
});

test('a delete and a transaction whose answers were lost get the answer of the first attempt', async () => {
  await first.store.put('k', Buffer.from('v'), {});
  const deleting = clientOf({ endpoints: [await losesAnswers(1)], token: tokenAt(1) });
  expect(await deleting.delete('k')).toMatchObject({ index: 2, deleted: true });
  const creating = clientOf({ endpoints: [await losesAnswers(1)], token: tokenAt(1) });
  const transaction = { conditions: [{ key: 'a', version: 0 }], operations: [{ put: { key: 'a', value: '1' } }] };
  expect(await creating.txn(transaction)).toMatchObject({
    results: [{ version: first.store.state.get('a')?.version }],
  });
});

test('all attempts of a write carry one key, its own, and the token from before the first of them', async () => {
  const client = clientOf({ token: tokenAt(0) });
  first.store.before = () => {
    if (writes().length <= 3) throw new LeadershipLost({ outcome: 'unknown' });
  };
  await client.put('a', 'v');
  await client.put('b', 'v');
  const keys = writes().map(({ options }) => (options as WriteOptions).idempotencyKey);
  expect(new Set(keys.slice(0, 4)).size).toBe(1);
  expect(new Set(keys).size).toBe(2);
  expect(writes().map(({ options }) => (options as WriteOptions).token)).toEqual([
    ...[tokenAt(0), tokenAt(0), tokenAt(0), tokenAt(0)],
    tokenAt(1),
  ]);
});

test('a client without a token takes one before its first write', async () => {
  await first.store.put('k', Buffer.from('v'), {});
  await clientOf().put('k', 'w');
  expect(first.store.calls.map(({ name }) => name)).toEqual(['put', 'range', 'put']);
  expect(optionsOf(1)).toMatchObject({ token: tokenAt(1) });
});

test('when no server gives a first token, nothing was applied', async () => {
  first.store.before = () => {
    throw new NoLeader();
  };
  await expect(clientOf().put('k', 'v', { timeoutMs: 200 })).rejects.toMatchObject({
    ...{ code: 'NoLeader', outcome: 'not-applied' },
  });
});

test('at the deadline a write of unknown outcome is told so, with the failure that left it unknown', async () => {
  first.store.before = () => {
    throw writes().length === 1 ? new Stopped({ outcome: 'unknown' }) : new NoLeader({ outcome: 'not-applied' });
  };
  const failure = clientOf({ token: tokenAt(0) }).put('k', 'v', { timeoutMs: 300 });
  await expect(failure).rejects.toMatchObject({ code: 'Stopped', outcome: 'unknown' });
  expect(writes().length).toBeGreaterThan(1);
});

test.each([
  ['a fence of another term', new TermChanged({ expected: 1, actual: 2 })],
  ['a refused argument', new InvalidArgument({ field: 'key', expected: 'x', received: 'y' })],
])('%s at a later attempt does not make an earlier one not applied', async (_, later) => {
  first.store.before = () => {
    throw writes().length === 1 ? new LeadershipLost({ outcome: 'unknown' }) : later;
  };
  const failure = clientOf({ token: tokenAt(0) }).put('k', 'v');
  await expect(failure).rejects.toMatchObject({ code: 'LeadershipLost', outcome: 'unknown' });
  expect(writes()).toHaveLength(2);
});

test('a failed condition settles the doubt: it is the recorded answer of this very write', async () => {
  const url = await losesAnswers(1);
  await first.store.put('k', Buffer.from('v'), {});
  const failure = clientOf({ endpoints: [url], token: tokenAt(1) }).put('k', 'w', { ifVersion: 0 });
  await expect(failure).rejects.toBeInstanceOf(ConditionFailed);
  await expect(failure).rejects.toMatchObject({ outcome: 'not-applied', index: 2, condition: null });
});

test('abort in the pause after an attempt of unknown outcome leaves the write unknown', async () => {
  const controller = new AbortController();
  first.store.before = () => {
    setImmediate(() => controller.abort(new Error('enough')));
    throw new LeadershipLost({ outcome: 'unknown' });
  };
  const client = clientOf({ endpoints: [first.url], token: tokenAt(0) });
  const failure = await client.put('k', 'v', { signal: controller.signal }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Canceled);
  expect(failure).toMatchObject({ outcome: 'unknown' });
});

test('a first attempt with an old token is made again with a newer one: nothing was applied before', async () => {
  first.store.keptRequests = 1;
  for (const idempotencyKey of ['x', 'y']) await first.store.put('k', Buffer.from('v'), { idempotencyKey });
  expect(await clientOf({ token: tokenAt(0) }).put('k', 'w')).toMatchObject({ version: 4 });
  expect([optionsOf(2).token, optionsOf(3).token]).toEqual([tokenAt(0), tokenAt(3)]);
});

test('after an attempt of unknown outcome an old token is no excuse: IdempotencyExpired, unknown', async () => {
  first.store.keptRequests = 1;
  const client = clientOf({ token: tokenAt(0) });
  first.store.before = async () => {
    if (writes().length !== 1) return;
    for (const idempotencyKey of ['x', 'y']) await first.store.put('other', Buffer.from('v'), { idempotencyKey });
    throw new LeadershipLost({ outcome: 'unknown' });
  };
  const failure = await client.put('k', 'w').catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(IdempotencyExpired);
  expect(failure).toMatchObject({
    outcome: 'unknown',
    retryable: false,
    evictedThrough: 1,
    index: 3,
    token: tokenAt(3),
  });
  expect(first.store.state.has('k')).toBe(false);
});

test('a key of your own: the same write is answered again, another one is refused', async () => {
  const idempotencyKey = 'order-17';
  const written = await clientOf().put('k', 'v', { idempotencyKey });
  expect(await clientOf().put('k', 'v', { idempotencyKey })).toEqual(written);
  const other = await clientOf()
    .put('k', 'w', { idempotencyKey })
    .catch((error: unknown) => error);
  expect(other).toBeInstanceOf(IdempotencyKeyReused);
  expect(other).toMatchObject({ outcome: 'not-applied', retryable: false });
});

test('a key of your own with the token from before its first use is not renewed', async () => {
  first.store.keptRequests = 1;
  const options = { idempotencyKey: 'order-17', token: tokenAt(0) };
  const client = clientOf();
  await client.put('k', 'v', options);
  await client.put('other', 'v');
  await expect(client.put('k', 'v', options)).rejects.toMatchObject({ code: 'IdempotencyExpired', outcome: 'unknown' });
  expect(first.store.state.get('k')?.version).toBe(1);
});

test.each(['', 'a b', 'ä', 'x'.repeat(256), 'a\nb'])(
  'the key %j is refused before anything is sent',
  async (idempotencyKey) => {
    const failure = clientOf().put('k', 'v', { idempotencyKey });
    await expect(failure).rejects.toMatchObject({ code: 'InvalidArgument', field: 'idempotencyKey' });
    expect(first.store.calls).toHaveLength(0);
  },
);

test('a token of another history is thrown away by a write, which goes on without it', async () => {
  const client = clientOf({ token: tokenAt(9, 'other') });
  expect(await client.put('k', 'v')).toMatchObject({ version: 1 });
  expect(client.token).toBe(tokenAt(1));
  const given = client.put('k', 'v', { idempotencyKey: 'x', token: tokenAt(9, 'other') });
  await expect(given).rejects.toMatchObject({ code: 'TokenMismatch', outcome: 'not-applied' });
});

test('a transaction: results in order, and an error that names the condition', async () => {
  const client = clientOf();
  const { version } = await client.put('a', '1');
  const moved = await client.txn({
    conditions: [{ key: 'a', version }],
    operations: [{ delete: { key: 'a' } }, { put: { key: '\u{1f600}', value: new Uint8Array([0, 255]) } }],
  });
  expect(moved).toEqual({
    ...{ index: 2, term: 7, token: tokenAt(2) },
    results: [{ deleted: true }, { version: 2 }],
  });
  expect([...(first.store.state.get('\u{1f600}')?.value ?? [])]).toEqual([0, 255]);
  const conditions = [
    { key: 'a', version: 0 },
    { key: '\u{1f600}', version: 9 },
  ];
  const failure = await client.txn({ conditions, operations: [{ delete: { key: 'b' } }] }).catch((error) => error);
  expect(failure).toBeInstanceOf(ConditionFailed);
  expect(failure).toMatchObject({ condition: 1, expected: 9, actual: 2, index: 3, token: tokenAt(3) });
  const lone = client.txn({ operations: [{ delete: { key: '\ud800' } }] });
  await expect(lone).rejects.toMatchObject({ code: 'InvalidArgument', field: 'operations[0].delete.key' });
});
