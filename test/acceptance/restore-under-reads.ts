/**
 * A follower is paused until the log that it lacks is cut off, and goes on: while it takes over a snapshot, readers ask
 * it at every level. What it answers must never be stale or go back, its local reads must go on all the time, and the
 * others either answer or say why not.
 */
import { closeConnections } from '../support/http.js';
import { ServerCluster, type ServerProcess } from '../support/server-cluster.js';
import { eventually } from '../support/wait.js';
import { writeInBulk } from './support/bulk-writes.js';
import { ReadProbe } from './support/read-probe.js';
import { underLoad } from './support/recorded-load.js';
import type { ScenarioContext } from './support/scenario.js';

export const defaults = {
  rounds: 4,
  /** In each round, over the same keys. The log keeps some 16,000 for a follower that may come back. */
  writes: 30_000,
  bytes: 1_024,
  clients: 9,
  snapshotEntries: 4_000,
  /** The longest time without an answer to local reads, once the follower goes on. */
  maxLocalGapMs: 2_000,
  /** Later than this no call may be answered: clients of the paused server give up after 15 s. */
  maxAnswerMs: 20_000,
};

interface Status {
  readonly lastIndex: number;
  readonly members: readonly { readonly id: string; readonly connected: boolean }[];
}

const TAKEN_OVER = /a snapshot was taken over/g;

export async function run(options: typeof defaults, { progress, signal }: ScenarioContext) {
  const serveArguments = ['--snapshot-entries', String(options.snapshotEntries)];
  await using cluster = await ServerCluster.start({ serveArguments });
  const { result: rounds, report } = await underLoad(cluster, options, async () => {
    const done: Awaited<ReturnType<typeof restore>>[] = [];
    for (let round = 1; round <= options.rounds && !signal.aborted; round += 1) {
      done.push(await restore(cluster, options, signal));
      progress(`round ${round}: ${JSON.stringify(done.at(-1))}`);
    }
    return done;
  });
  closeConnections();
  const isWell = ({ snapshots, wentBack, longestLocalGapMs }: (typeof rounds)[number]) =>
    snapshots > 0 && wentBack === 0 && longestLocalGapMs <= options.maxLocalGapMs;
  return { ...report, ok: report.ok && rounds.every(isWell) && !signal.aborted, rounds };
}

async function restore(cluster: ServerCluster, options: typeof defaults, signal: AbortSignal) {
  const leader = await cluster.leader();
  const victim = cluster.others(leader)[0] as ServerProcess;
  const others = cluster.others(victim);
  await leader.put('probe', 'probe');
  await victim.ready();
  const snapshotsBefore = takenOver(victim);
  victim.signal('SIGSTOP');
  try {
    const sent = await lastSentTo(victim, others);
    await writeInBulk(others, {
      ...{ count: options.writes, bytes: options.bytes, signal, progress: () => {} },
    });
    // A snapshot that is on its way may still have to be written before the log is cut behind it.
    const isCut = async () => (await Promise.all(others.map(firstIndex))).every((index) => index > sent);
    await eventually('the log that the paused one lacks to be cut off', isCut, { timeoutMs: 60_000 });
  } finally {
    victim.signal('SIGCONT');
  }
  const local = new ReadProbe(victim, '?level=local').start();
  const linearizable = new ReadProbe(victim, '?level=linearizable&timeout_ms=2000').start();
  const startedAt = performance.now();
  const target = Number((await (await cluster.leader()).status())?.commit);
  const caughtUp = async () => Number((await victim.status())?.applied ?? 0) >= target;
  await eventually(`${victim.id} to catch up`, caughtUp, { timeoutMs: 120_000 });
  const catchUpMs = Math.round(performance.now() - startedAt);
  await Promise.all([local.stop(), linearizable.stop()]);
  return {
    catchUpMs,
    snapshots: takenOver(victim) - snapshotsBefore,
    localReads: local.tookMs.length,
    longestLocalGapMs: local.longestGapMs,
    linearizableReads: linearizable.tookMs.length,
    refusedReads: linearizable.failed,
    wentBack: local.wentBack + linearizable.wentBack,
  };
}

/**
 * The last index that a paused server can have: what was sent until the others broke with it waits in its sockets, and
 * it reads that before anything else.
 */
async function lastSentTo(paused: ServerProcess, others: readonly ServerProcess[]): Promise<number> {
  let last = 0;
  const givenUp = async () => {
    const statuses = (await Promise.all(others.map((node) => node.status()))) as readonly (Status | null)[];
    last = Math.max(...statuses.map((status) => status?.lastIndex ?? 0));
    return statuses.every((status) => status?.members.find(({ id }) => id === paused.id)?.connected === false);
  };
  await eventually(`the others to give ${paused.id} up`, givenUp, { timeoutMs: 30_000 });
  return last;
}

/** Of the log; 0 while that is not known. */
async function firstIndex(node: ServerProcess): Promise<number> {
  return Number((await node.status())?.firstIndex ?? 0);
}

function takenOver(node: ServerProcess): number {
  return node.log.match(TAKEN_OVER)?.length ?? 0;
}
