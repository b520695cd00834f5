/** `/metrics` of real servers: what it shows is documented, moves, and is there in every state of the node. */

import { channel } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'quorate/client';
import { type Server, type ServerOptions, startServer } from 'quorate-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Exposition, parseExposition, sampleValue } from '../../support/prometheus.js';
import { withApply } from '../../support/state-machine/with-apply.js';
import { eventually } from '../../support/wait.js';
import { tableRows } from '../../tidy/markdown.js';
import { read } from '../../tidy/repository.js';
import { send, serveFake } from '../support/http.js';
import { freePorts } from '../support/ports.js';

const IDS = ['n1', 'n2', 'n3'];

let directory: string;
let servers: Server[];
let client: Client;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quorate-metrics-'));
  servers = [];
});
afterEach(async () => {
  client?.close();
  await Promise.all(servers.map((server) => server.close()));
  rmSync(directory, { recursive: true });
});

/** Starts servers of a cluster of three. */
async function starter(): Promise<(id: string) => Promise<Server>> {
  const port = await freePorts(3);
  const peers = Object.fromEntries(IDS.map((id, at) => [id, `127.0.0.1:${port + 1_000 + at}`]));
  return async (id) => {
    const listen = `127.0.0.1:${port + IDS.indexOf(id)}`;
    const server = await startServer({
      ...{ id, peers, listen, dataDir: join(directory, id) },
      wrapStateMachine: slow,
    });
    servers.push(server);
    return server;
  };
}

/** For a busy machine. */
const patient = { timeoutMs: 30_000 };

/** Resolves when every server has read with its leader. */
async function serving(): Promise<void> {
  await Promise.all(servers.map(({ store }) => store.get('any', patient)));
}

/** One that leaves entries for the next turn of the loop. */
const slow: NonNullable<ServerOptions['wrapStateMachine']> = (machine) =>
  withApply(machine, (entries) => {
    const end = performance.now() + (entries.length > 8 ? 6 : 0);
    while (performance.now() < end);
    return machine.apply(entries);
  });

async function scrape(server: Server): Promise<Exposition> {
  const { status, headers, body } = await send(server.url, '/metrics');
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  return parseExposition(body.toString('utf8'));
}

/** Writes, and reads at every level, through every server, until all queues were seen to hold something. */
async function work(seen: (server: Server, exposition: Exposition) => void): Promise<void> {
  const queues = new Set<string>();
  await eventually('all queues to be seen in use', async () => {
    const writes = servers.flatMap(({ store }, at) =>
      Array.from({ length: 150 }, (_, i) => store.put(`${at}-${i}`, Buffer.from('value'), patient)),
    );
    const ready = servers.map(({ store }) => store.get('0-0', patient));
    for (let look = 0; look < 5; look += 1) {
      for (const server of servers) {
        const exposition = await scrape(server);
        for (const { name, labels, value } of exposition.samples) {
          if (name === 'quorate_queue_length' && value > 0) queues.add(labels.queue as string);
        }
        seen(server, exposition);
      }
    }
    const [written] = await Promise.all([Promise.all(writes), Promise.all(ready)]);
    const token = written.at(-1)?.token as string;
    for (const { store } of servers) {
      await store.get('0-0', { ...patient, level: 'session', token });
      await store.get('0-0', { ...patient, level: 'local' });
    }
    return queues.size === 4;
  });
}

test('every metric is documented, with type and labels, every documented one is there, and each moves', async () => {
  const start = await starter();
  const first = await start('n1');
  const before = new Map<Server, Exposition>([[first, await scrape(first)]]);
  expect(sampleValue(await scrape(first), 'quorate_role', { role: 'forming' })).toBe(1);
  for (const id of ['n2', 'n3']) {
    const server = await start(id);
    before.set(server, await scrape(server));
  }
  await serving();
  const moved = new Set<string>();
  const labels = new Map<string, Set<string>>();
  const types = new Map<string, string>();
  const look = (server: Server, exposition: Exposition) => {
    const old = new Map(
      before.get(server)?.samples.map((sample) => [sample.name + JSON.stringify(sample.labels), sample.value]),
    );
    for (const [name, type] of exposition.types) types.set(name, type);
    for (const { name, labels: found, value } of exposition.samples) {
      const metric = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
      const known = labels.get(metric) ?? new Set();
      for (const label of Object.keys(found)) if (label !== 'le') known.add(label);
      labels.set(metric, known);
      if (old.get(name + JSON.stringify(found)) !== value) moved.add(metric);
    }
  };
  await servers[0]?.store.takeSnapshot({ ...patient, signal: new AbortController().signal });
  await work(look);
  const printed = [...types].map(([name, type]) => ({ name, type, labels: [...(labels.get(name) ?? [])].sort() }));
  expect(printed.sort(byName)).toEqual(documented().sort(byName));
  const still = [...types.keys()].filter((name) => name.startsWith('quorate_') && !moved.has(name));
  expect(still).toEqual([]);
}, 60_000);

interface Documented {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}

function byName(a: Documented, b: Documented): number {
  return a.name < b.name ? -1 : 1;
}

function documented(): Documented[] {
  const linuxOnly = /^process_(open_fds|max_fds|virtual_memory_bytes|heap_bytes)$/;
  return tableRows(read('docs/reference/metrics.md'))
    .map(([name = '', type = '', labels = '']) => ({
      name: name.replaceAll('`', ''),
      type,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label as string).sort(),
    }))
    .filter(({ name }) => process.platform === 'linux' || !linuxOnly.test(name));
}

test('names follow the conventions: counters end in _total, times are in seconds and sizes in bytes', () => {
  for (const { name, type } of documented().filter((metric) => metric.name.startsWith('quorate_'))) {
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    expect(name, name).not.toMatch(/_(ms|millis|kb|mb)(_|$)/);
  }
});

test('reads and writes are counted where they were made, at their level, with their outcome and code', async () => {
  const start = await starter();
  await Promise.all(IDS.map(start));
  const [one, other] = servers as [Server, Server, Server];
  await serving();
  client = new Client({ endpoints: [one.url], timeoutMs: 20_000 });
  // The first write asks for a token, which is a read; the others have one.
  await client.put('first', '');
  const [before, otherBefore] = [await scrape(one), await scrape(other)];
  const { token, version } = await client.put('k', 'v');
  for (let i = 0; i < 5; i += 1) await client.get('k');
  for (let i = 0; i < 3; i += 1) await client.get('k', { level: 'session', token });
  await client.get('k', { level: 'local' });
  await expect(client.put('k', 'v', { ifTerm: 1_000 })).rejects.toMatchObject({ code: 'TermChanged' });
  await expect(client.put('k', 'v', { ifVersion: version + 1 })).rejects.toMatchObject({ code: 'ConditionFailed' });
  const late = { level: 'session', minIndex: 1_000_000 } as const;
  await expect(one.store.get('k', late)).rejects.toMatchObject({ reason: 'LagBehind' });
  const [after, otherAfter] = [await scrape(one), await scrape(other)];
  const grown = (name: string, labels: Record<string, string> = {}) =>
    (sampleValue(after, name, labels) ?? 0) - (sampleValue(before, name, labels) ?? 0);
  expect(grown('quorate_reads_total', { level: 'linearizable', outcome: 'served' })).toBe(5);
  expect(grown('quorate_reads_total', { level: 'session', outcome: 'served' })).toBe(3);
  expect(grown('quorate_reads_total', { level: 'local', outcome: 'served' })).toBe(1);
  expect(grown('quorate_reads_total', { level: 'session', outcome: 'failed', code: 'LagBehind' })).toBe(1);
  expect(grown('quorate_read_duration_seconds_count', { level: 'linearizable' })).toBe(5);
  expect(grown('quorate_read_wait_seconds_count', { stage: 'bound' })).toBe(5);
  expect(grown('quorate_read_wait_seconds_count', { stage: 'confirm' })).toBe(5);
  expect(grown('quorate_read_wait_seconds_count', { stage: 'apply' })).toBe(8);
  expect(grown('quorate_bound_request_reads_sum')).toBeGreaterThanOrEqual(5);
  // That whose condition did not hold is in the log as well.
  expect(grown('quorate_writes_total', { outcome: 'applied' })).toBe(2);
  expect(grown('quorate_writes_total', { outcome: 'not-applied', code: 'TermChanged' })).toBe(1);
  expect(grown('quorate_write_duration_seconds_count')).toBe(2);
  expect(grown('quorate_applied_entries_total')).toBeGreaterThanOrEqual(2);
  for (const level of ['linearizable', 'session', 'local']) {
    const served = { level, outcome: 'served' };
    expect(sampleValue(otherAfter, 'quorate_reads_total', served)).toBe(
      sampleValue(otherBefore, 'quorate_reads_total', served),
    );
  }
});

test('a node without a leader still answers at once, says that it knows none, and has no lag to show', async () => {
  const start = await starter();
  await Promise.all(IDS.map(start));
  const [left, ...others] = servers as [Server, Server, Server];
  await serving();
  await Promise.all(others.map((server) => server.close()));
  servers = [left];
  const alone = await eventually('the leader to be missed', async () => {
    const exposition = await scrape(left);
    return sampleValue(exposition, 'quorate_leader_known') === 0 ? exposition : null;
  });
  expect(sampleValue(alone, 'quorate_peer_connected', { peer: others[0]?.store.status().id as string })).toBe(0);
  const waiting = left.store.get('k', { timeoutMs: 1_500 }).catch((error: unknown) => error);
  const exposition = await scrape(left);
  expect(sampleValue(exposition, 'quorate_queue_length', { queue: 'reads' })).toBe(1);
  expect(await waiting).toMatchObject({ reason: 'NoLeader' });
  const after = await scrape(left);
  expect(sampleValue(after, 'quorate_lag_entries')).toBeNull();
  expect(sampleValue(after, 'quorate_reads_total', { outcome: 'failed', code: 'NoLeader' })).toBe(1);
}, 30_000);

test('it is answered while everything else hangs, is refused because of load, or ends', async () => {
  const served = await serveFake({ maxLoopDelayMs: 0 });
  try {
    const { url } = served;
    await eventually('the load gate to close', async () => (await send(url, '/v1/kv/k')).status === 503);
    served.store.before = () => new Promise(() => {});
    expect((await send(served.url, '/metrics')).status).toBe(200);
    served.server.drain();
    expect((await send(served.url, '/metrics')).status).toBe(200);
    const refused = await send(served.url, '/metrics?name=x');
    expect(refused.json()).toMatchObject({ code: 'InvalidArgument' });
  } finally {
    await served.close();
  }
});

test('a server that was closed is counted no more', async () => {
  const start = await starter();
  const server = await start('n1');
  await server.close();
  servers = [];
  expect(channel('quorate.read').hasSubscribers).toBe(false);
});
