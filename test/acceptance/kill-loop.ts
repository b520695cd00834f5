/**
 * Every second a node is killed with SIGKILL and started again, under writers and readers. At the end every
 * acknowledged write is on every node, no version, index or token has gone back, and no read was older than a write
 * acknowledged before it began.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { closeConnections } from '../support/http.js';
import { ServerCluster, type ServerProcess } from '../support/server-cluster.js';
import { eventually } from '../support/wait.js';
import type { ScenarioContext } from './support/scenario.js';
import { Workload } from './support/workload.js';

export const defaults = {
  minutes: 2,
  /** Where the servers keep their state: `lmdb` or `memory`. */
  store: 'lmdb',
  writers: 16,
  readers: 4,
  minKillsPerNode: 20,
  minAcknowledged: 5_000,
};

const EVERY_MS = 1_000;
const DOWN_MS = 300;

export async function run(options: typeof defaults, { progress, signal }: ScenarioContext) {
  await using cluster = await ServerCluster.start({ serveArguments: ['--store', options.store] });
  const workload = new Workload(cluster, options);
  const running = workload.start();
  const { counts } = workload;
  const end = performance.now() + options.minutes * 60_000;
  let longestOutageMs = 0;
  try {
    for (let round = 0; performance.now() < end && !signal.aborted; round++) {
      const startedAt = performance.now();
      const node = victim(cluster);
      await node.kill();
      const { acknowledged } = counts;
      await pause(DOWN_MS);
      node.start();
      await eventually(`a write to be acknowledged after kill ${round + 1}`, () => counts.acknowledged > acknowledged);
      longestOutageMs = Math.max(longestOutageMs, workload.longestPauseMs());
      await pause(Math.max(0, EVERY_MS - (performance.now() - startedAt)));
      if (round % 10 === 9) progress(`${round + 1} kills: ${JSON.stringify(counts)}`);
    }
  } finally {
    workload.stop();
    await running;
  }
  await Promise.all(cluster.nodes.map((node) => node.ready()));
  const lost = (await Promise.all(cluster.nodes.map((node) => workload.missingOn(node)))).flat();
  closeConnections();
  const kills = cluster.nodes.map((node) => node.kills);
  const broken = lost.length + counts.stale + counts.wentBack + counts.untyped;
  const enough = Math.min(...kills) >= options.minKillsPerNode && counts.acknowledged >= options.minAcknowledged;
  const examples = [...lost.slice(0, 5), ...workload.examples];
  return { ok: broken === 0 && enough, ...options, kills, ...counts, longestOutageMs, lost: lost.length, examples };
}

/** A random one, of those that were killed about least. */
function victim(cluster: ServerCluster): ServerProcess {
  const fewest = Math.min(...cluster.nodes.map(({ kills }) => kills));
  const candidates = cluster.nodes.filter(({ kills }) => kills <= fewest + 2);
  return candidates[Math.floor(Math.random() * candidates.length)] as ServerProcess;
}
