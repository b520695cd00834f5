/**
 * A follower is down while the others take 100,000 writes of 1 KiB, and comes back under load: the log that it lacks is
 * cut off by then, so it is sent a snapshot. Nothing stale may be read and nothing lost meanwhile, and whoever reads at
 * the leader must not have to wait long for it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { closeConnections } from '../support/http.js';
import { ServerCluster, type ServerProcess } from '../support/server-cluster.js';
import { eventually } from '../support/wait.js';
import { writeInBulk } from './support/bulk-writes.js';
import { percentiles } from './support/percentiles.js';
import { ReadProbe } from './support/read-probe.js';
import { underLoad } from './support/recorded-load.js';
import type { ScenarioContext } from './support/scenario.js';

export const defaults = {
  writes: 100_000,
  bytes: 1_024,
  clients: 9,
  /** How long the leader is read from for the figures before. */
  beforeMs: 15_000,
  /** The leader's p99 while the follower catches up, divided by that before. */
  maxSlowdown: 2,
  /** Later than this no call may be answered; each has a deadline of 2 s. */
  maxAnswerMs: 15_000,
  /** Of the follower. */
  maxCatchUpMs: 300_000,
};

export async function run(options: typeof defaults, { progress, signal }: ScenarioContext) {
  await using cluster = await ServerCluster.start();
  const { result, report } = await underLoad(cluster, options, async () => {
    const leader = await cluster.leader();
    const victim = cluster.others(leader)[0] as ServerProcess;
    await leader.put('probe', 'probe');
    await victim.kill();
    await writeInBulk(cluster.others(victim), {
      ...{ count: options.writes, bytes: options.bytes, signal },
      progress: (written) => progress(`${written} writes without ${victim.id}`),
    });
    const probe = new ReadProbe(leader).start();
    await pause(options.beforeMs, undefined, { signal });
    const before = await probe.stop();
    return { before, ...(await catchUp(leader, victim, options)) };
  });
  closeConnections();
  const { before, during, ...figures } = result;
  const readMs = { before: percentiles(before.tookMs), during: percentiles(during.tookMs) };
  const slowdown = Math.round((100 * readMs.during.p99) / readMs.before.p99) / 100;
  const ok = report.ok && figures.bySnapshot && slowdown <= options.maxSlowdown && !signal.aborted;
  const failedReads = before.failed + during.failed;
  return { ...report, ok, ...figures, leaderReadMs: readMs, slowdown, failedReads };
}

/** Starts the follower, and reads at the leader until the follower has what is committed. */
async function catchUp(leader: ServerProcess, victim: ServerProcess, { maxCatchUpMs }: typeof defaults) {
  const probe = new ReadProbe(leader).start();
  const startedAt = performance.now();
  const target = Number((await leader.status())?.commit);
  victim.start();
  const caughtUp = async () => Number((await victim.status())?.applied ?? 0) >= target;
  await eventually(`${victim.id} to catch up`, caughtUp, { timeoutMs: maxCatchUpMs });
  const catchUpMs = Math.round(performance.now() - startedAt);
  return { during: await probe.stop(), catchUpMs, bySnapshot: victim.log.includes('a snapshot was taken over') };
}
