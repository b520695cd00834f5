/** What a client has seen, over many answers in any order, and over a restore of its cluster. */
import { Client, type ClientOptions } from 'quorate/client';
import { TokenMismatch } from 'quorate/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tokenAt } from '../server/support/fake-store.js';
import { type Served, serveFake } from '../server/support/http.js';

let served: Served;
const clients: Client[] = [];

beforeEach(async () => {
  served = await serveFake();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await served.close();
});

function clientOf(options: Partial<ClientOptions> = {}): Client {
  const client = new Client({ endpoints: [served.url], timeoutMs: 5_000, ...options });
  clients.push(client);
  return client;
}

test('a session that a restore broke says so once, and begins anew', async () => {
  const client = clientOf();
  const session = () => client.get('k', { level: 'session' });
  for (let at = 0; at < 5; at += 1) await client.put('k', 'v');
  Object.assign(served.store, { clusterId: 'c2', index: 2 });
  await expect(session()).rejects.toBeInstanceOf(TokenMismatch);
  expect(client.token).toBeNull();
  expect((await session()).appliedIndex).toBe(2);
  expect(client.token).toBe(tokenAt(2, 'c2'));
  expect((await session()).appliedIndex).toBe(2);
  expect(served.store.calls.at(-1)?.options).toMatchObject({ token: tokenAt(2, 'c2') });
});

test.each([
  ['read', 2, (client: Client) => client.get('k'), 2],
  ['write', 2, (client: Client) => client.put('k', 'v'), 3],
  ['read, when the new history is further,', 99, (client: Client) => client.get('k'), 99],
  ['write, when the new history is further,', 99, (client: Client) => client.put('k', 'v'), 100],
])('a %s that crosses a restore to %i goes on; the next read of the session says so', async (_, to, cross, index) => {
  const client = clientOf();
  for (let at = 0; at < 5; at += 1) await client.put('k', 'v');
  Object.assign(served.store, { clusterId: 'c2', index: to });
  await cross(client);
  expect(client.token).toBe(tokenAt(index, 'c2'));
  await expect(client.get('k', { level: 'session' })).rejects.toBeInstanceOf(TokenMismatch);
  expect((await client.get('k', { level: 'session' })).appliedIndex).toBe(index);
});

test('a token that the caller gave is the business of the caller: the session stays as it is', async () => {
  const client = clientOf();
  await client.put('k', 'v');
  for (let at = 0; at < 2; at += 1) {
    const given = client.get('k', { level: 'session', token: tokenAt(9, 'other') });
    await expect(given).rejects.toBeInstanceOf(TokenMismatch);
  }
  expect(client.token).toBe(tokenAt(1));
  expect((await client.get('k', { level: 'session' })).appliedIndex).toBe(1);
});

test('a session that begins with a token keeps it when an older view answers', async () => {
  served.store.index = 3;
  const client = clientOf({ token: tokenAt(7) });
  await client.get('k', { level: 'local' });
  expect(client.token).toBe(tokenAt(7));
});

test('entries() ends with TokenMismatch when the next page is of another history', async () => {
  for (let at = 0; at < 5; at += 1) await served.store.put(`k${at}`, Buffer.from('v'), {});
  const entries = clientOf().entries({ limit: 2 });
  for (let at = 0; at < 2; at += 1) await entries.next();
  served.store.clusterId = 'c2';
  await expect(entries.next()).rejects.toBeInstanceOf(TokenMismatch);
});
