/**
 * A backup of a real cluster, and a new one from it: all of the data and nothing else, and no way between the two
 * histories.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Client } from '../../packages/quorate/src/client/index.js';
import { quorate } from '../support/quorate-command.js';
import { ServerCluster } from '../support/server-cluster.js';
import { eventually } from '../support/wait.js';

const IDS = ['n1', 'n2', 'n3'];

async function restore(file: string, id: string, dataDir: string) {
  return quorate('snapshot', 'restore', file, '--id', id, '--data-dir', dataDir, '--cluster', 'test', '--json');
}

async function everything(cluster: ServerCluster): Promise<Map<string, string>> {
  const client = new Client({ endpoints: cluster.nodes.map(({ url }) => url), timeoutMs: 20_000 });
  const found = new Map<string, string>();
  for await (const { key, value } of client.export()) found.set(key, Buffer.from(value).toString());
  client.close();
  return found;
}

it('a cluster of three begins from a backup: with every write that it has, and with nothing that came later', {
  timeout: 120_000,
}, async () => {
  await using old = await ServerCluster.start();
  const endpoints = old.nodes.map(({ url }) => url);
  const client = new Client({ endpoints, timeoutMs: 20_000 });
  const expected = new Map(Array.from({ length: 500 }, (_, i) => [`key ${i}`, `${i} `.repeat(50)]));
  await Promise.all([...expected].map(([key, value]) => client.put(key, value)));
  const repeated = await client.put('once', '1', { idempotencyKey: 'the-very-write' });
  expected.set('once', '1');
  const file = join(old.directory, 'backup');
  const saved = await quorate('snapshot', 'save', file, '--endpoints', endpoints.join(','), '--json');
  expect(saved).toMatchObject({ code: 0 });
  const told = JSON.parse(saved.output);
  expect(told.index).toBeGreaterThanOrEqual(repeated.index);
  expect(told.bytes).toBe(statSync(file).size);
  const { token } = await client.put('later', 'not in the backup');
  client.close();

  await using fresh = await ServerCluster.prepare({ directory: join(old.directory, 'restored') });
  for (const id of IDS) {
    const restored = await restore(file, id, join(fresh.directory, id));
    expect(restored).toMatchObject({ code: 0 });
    expect(JSON.parse(restored.output)).toMatchObject({ index: told.index, term: told.term });
  }
  for (const node of fresh.nodes) node.start();
  await Promise.all(fresh.nodes.map((node) => node.ready()));
  expect(await everything(fresh)).toEqual(expected);

  // Nothing of the old history passes for one of the new.
  const [first] = fresh.nodes as [(typeof fresh.nodes)[number]];
  const session = await first.get('once', `?level=session&token=${token}`);
  expect(session.status).toBe(400);
  expect(JSON.parse(session.body.toString())).toMatchObject({ code: 'TokenMismatch' });
  const other = new Client({ endpoints: fresh.nodes.map(({ url }) => url), timeoutMs: 20_000 });
  const watch = other.watch({ from: told.index + 1, token });
  await expect(watch.next()).rejects.toMatchObject({ code: 'TokenMismatch' });
  const again = await other.put('once', '1', { idempotencyKey: 'the-very-write' });
  expect(again.index).toBe(repeated.index);
  expect((await other.put('new', 'write')).index).toBeGreaterThan(told.index);
  other.close();

  // A node of the old cluster at an address of the new one is refused, and the others go on without it.
  await fresh.node('n3').stop();
  await old.node('n3').stop();
  const stranger = fresh.node('n3').inDirectory(old.node('n3').dataDir, 'test');
  stranger.start();
  await eventually('it to be refused', () => stranger.log.includes('belongs to another cluster'));
  expect((await first.put('still', 'there')).status).toBe(200);
  expect((await stranger.get('still', '?timeout_ms=500')).status).toBe(503);
  await stranger.stop();

  // All of it is durable: the second start needs no more than what is in the directories.
  for (const node of fresh.nodes) await node.stop();
  for (const node of fresh.nodes) node.start();
  await Promise.all(fresh.nodes.map((node) => node.ready()));
  expect(await everything(fresh)).toEqual(new Map([...expected, ['new', 'write'], ['still', 'there']]));
});

it('what is damaged, in the way, or not the same on all nodes is refused, and nothing is left behind', {
  timeout: 60_000,
}, async () => {
  await using old = await ServerCluster.start({ nodes: 1 });
  const [node] = old.nodes as [(typeof old.nodes)[number]];
  await node.put('k', 'v');
  const file = join(old.directory, 'backup');
  expect(await quorate('snapshot', 'save', file, '--endpoints', node.url)).toMatchObject({ code: 0 });
  const taken = await quorate('snapshot', 'save', file, '--endpoints', node.url);
  expect(taken).toMatchObject({ code: 1, errors: expect.stringContaining('is there already') });

  const bytes = readFileSync(file);
  const damaged = join(old.directory, 'damaged');
  const target = join(old.directory, 'target');
  for (const broken of [bytes.subarray(0, bytes.length - 1), Buffer.concat([bytes, Buffer.of(0)]), flipped(bytes)]) {
    writeFileSync(damaged, broken);
    const refused = await restore(damaged, 'n1', target);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.errors)).toMatchObject({ code: 'SnapshotDamaged' });
    expect(existsSync(target)).toBe(false);
  }
  const missing = await restore(join(old.directory, 'nothing'), 'n1', target);
  expect(missing).toMatchObject({ code: 1, errors: expect.stringContaining('cannot be read') });
  mkdirSync(target);
  writeFileSync(join(target, 'something'), '');
  const full = await restore(file, 'n1', target);
  expect(full).toMatchObject({ code: 2, errors: expect.stringContaining('a new or an empty directory') });
  expect(readdirSync(target)).toEqual(['something']);

  // One restored node and one empty one never become a cluster: the empty one could win the election.
  await using mixed = await ServerCluster.prepare({ nodes: 2, directory: join(old.directory, 'mixed') });
  expect(await restore(file, 'n1', join(mixed.directory, 'n1'))).toMatchObject({ code: 0 });
  for (const each of mixed.nodes) each.start();
  expect(await Promise.race(mixed.nodes.map((each) => each.exited()))).toBe(1);
  expect(mixed.nodes.map(({ log }) => log).join('')).toContain('restore the same file into a new directory');
  for (const each of mixed.nodes)
    expect(readFileSync(join(each.dataDir, 'identity'), 'utf8')).toContain('"formation":null');

  await Promise.all(mixed.nodes.map((each) => each.stop()));

  // Nor does a directory whose restore was broken off.
  const half = join(old.directory, 'half');
  mkdirSync(join(half, 'snapshots'), { recursive: true });
  copyFileSync(file, join(half, 'snapshots', '0000000000000002-0000000000000001.snapshot'));
  const [alone] = mixed.nodes as [(typeof mixed.nodes)[number]];
  const broken = alone.inDirectory(half, 'test');
  broken.start();
  expect(await broken.exited()).toBe(1);
  expect(broken.log).toContain('has snapshots and no identity file');
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[Math.floor(copy.length / 2)] = (copy[Math.floor(copy.length / 2)] as number) ^ 1;
  return copy;
}
