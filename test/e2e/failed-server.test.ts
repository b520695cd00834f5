/** Real servers whose disks fail: what they end with is that failure, whatever else goes wrong at their end. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { whyNoFaultyDisks } from '../support/faulty-disk.js';
import { closeConnections } from '../support/http.js';
import { ServerCluster, type ServerProcess } from '../support/server-cluster.js';
import { Strace } from '../support/strace.js';
import { eventually } from '../support/wait.js';

const canFail = (await whyNoFaultyDisks()) === null;
const isRequired = (process.env.QUORATE_REQUIRE ?? '').includes('strace');
const MIB = 1024 * 1024;
const MAX_WRITES = 32;

test('a server that fails says why it has stopped, although it cannot release its directory', async () => {
  await using cluster = await ServerCluster.start({ nodes: 1 });
  const node = cluster.nodes[0] as ServerProcess;
  const log = join(node.dataDir, 'log');
  const newest = (await readdir(log)).filter((name) => name.endsWith('.log')).length;
  // A folder stands where its next segment is to be, and one where its lock is.
  await mkdir(join(log, `${String(newest + 1).padStart(16, '0')}.log.tmp`));
  const lock = (await readdir(node.dataDir)).find((name) => /^lock-\d+$/.test(name)) as string;
  await rm(join(node.dataDir, lock));
  await mkdir(join(node.dataDir, lock));

  const exit = node.exited();
  for (let i = 0; i < MAX_WRITES && node.running; i += 1) await node.put('k', Buffer.alloc(MIB));
  await eventually('it to end', () => !node.running);
  expect(await exit).toBe(1);
  expect(node.log).toMatch(/^quorate: the node has stopped: .*log\.tmp/m);
  expect(node.log).toContain('the node could not release everything');
  closeConnections();
}, 60_000);

test.runIf(canFail || isRequired)(
  'a server whose state cannot be synced stops, though nobody asks anything of it, and rebuilds it afterwards',
  async () => {
    await using cluster = await ServerCluster.start({ nodes: 1 });
    const node = cluster.nodes[0] as ServerProcess;
    expect((await node.put('k', 'v')).status).toBe(200);
    const exit = node.exited();
    const state = join(node.dataDir, 'state', 'state-1.mdb');
    await using disk = await Strace.attach(node.pid, 'fsync,fdatasync', 'error=EIO', [state]);
    // It is synced every ten seconds.
    await eventually('it to end', () => !node.running, { timeoutMs: 20_000 });
    expect(await exit).toBe(1);
    expect(node.log).toMatch(/^quorate: the node has stopped: the state in .* could not be synced \(EIO/m);
    expect(await disk.end()).toBeGreaterThan(0);
    node.start();
    await node.ready();
    expect(node.log).toContain('the state is discarded');
    expect((await node.get('k')).body.toString()).toBe('v');
    closeConnections();
  },
  60_000,
);
