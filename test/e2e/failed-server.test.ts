/** A real server whose log fails: what it ends with is that failure, whatever else goes wrong at its end. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { closeConnections } from '../support/http.js';
import { ServerCluster, type ServerProcess } from '../support/server-cluster.js';
import { eventually } from '../support/wait.js';

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
