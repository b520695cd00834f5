/**
 * The disk of one server does not answer for a while: that of the leader, then that of a follower. The server says so
 * and neither leads nor campaigns until a write has ended, not even when nobody leads; the others go on without it, and
 * it comes back with its disk. What it could not write in time must not show up later, and nothing stale be read.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { hangWrites, whyNoFaultyDisks } from '../support/faulty-disk.js';
import { ask, closeConnections } from '../support/http.js';
import { ServerCluster, type ServerProcess } from '../support/server-cluster.js';
import { eventually } from '../support/wait.js';
import { underLoad } from './support/recorded-load.js';
import type { ScenarioContext } from './support/scenario.js';
import type { TortureClients } from './support/torture-clients.js';

export const defaults = {
  /** In each the disk of the leader stalls, and then that of a follower. */
  rounds: 3,
  clients: 9,
  /** How long the others go on by themselves. */
  withoutMs: 3_000,
  /** How long nobody can lead, because a second server is down. */
  leaderlessMs: 3_000,
  /** Later than this no call may be answered; each has a deadline of 2 s. */
  maxAnswerMs: 5_000,
};

const KEY = 'written-in-time';
const WITHIN_MS = 2_000;
const SAMPLE_MS = 20;

interface Stage {
  readonly cluster: ServerCluster;
  readonly clients: TortureClients;
  readonly options: typeof defaults;
  readonly round: number;
}

type Role = 'leader' | 'follower';

export async function run(options: typeof defaults, { progress, signal }: ScenarioContext) {
  const reason = await whyNoFaultyDisks();
  if (reason !== null) throw new Error(`no disk can be made to stall: ${reason}`);
  await using cluster = await ServerCluster.start();
  const { result: stalls, report } = await underLoad(cluster, options, async (clients) => {
    const done: Awaited<ReturnType<typeof stall>>[] = [];
    for (let round = 1; round <= options.rounds && !signal.aborted; round += 1) {
      for (const role of ['leader', 'follower'] as const) {
        done.push(await stall({ cluster, clients, options, round }, role));
        progress(`round ${round}: ${JSON.stringify(done.at(-1))}`);
      }
    }
    return done;
  });
  closeConnections();
  const problems = stalls.flatMap((each) => each.problems);
  const ok = report.ok && problems.length === 0 && !signal.aborted;
  const of = (role: Role) => stalls.filter((each) => each.role === role).map((each) => each.figures);
  return { ...report, ok, leader: of('leader'), follower: of('follower'), problems };
}

async function stall(stage: Stage, role: Role) {
  const { cluster, clients, options, round } = stage;
  const leader = await cluster.leader();
  const victim = role === 'leader' ? leader : (cluster.others(leader)[0] as ServerProcess);
  const others = cluster.others(victim);
  const termBefore = await termOf(leader);
  await using disk = await hangWrites(victim);
  const stalledAt = performance.now();
  const late = victim.put(KEY, `late ${role} ${round}`, `?timeout_ms=${WITHIN_MS}`);
  const toldAfter = told(victim, stalledAt);
  const successor = await cluster.leader(others);
  const leaderAfterMs = since(stalledAt);
  await clients.acknowledgedAnew();
  const acknowledgedAfterMs = since(stalledAt);
  const toldAfterMs = await toldAfter;
  await late;
  const value = `in time ${role} ${round}`;
  await eventually('a write to be acknowledged', async () => (await successor.put(KEY, value)).status === 200);

  const ended = new AbortController();
  const watched = rolesOf(victim, ended.signal);
  await pause(options.withoutMs);
  const needlessElection = role === 'follower' && (await termOf(successor)) !== termBefore;
  await withoutLeader(stage, successor);
  ended.abort();
  const campaigned = (await watched).filter((each) => each !== 'follower');

  await disk[Symbol.asyncDispose]();
  const answersAt = performance.now();
  await Promise.all(cluster.nodes.map((node) => node.ready()));
  const backAfterMs = since(answersAt);
  const problems = [
    ...campaigned.map((each) => `${victim.id} was ${each} with a stalled disk`),
    ...(needlessElection ? [`the stalled disk of ${victim.id}, a follower, made an election`] : []),
    ...(await lateWrites(cluster, value)),
  ];
  return {
    role,
    figures: { ...(role === 'leader' ? { leaderAfterMs } : {}), acknowledgedAfterMs, toldAfterMs, backAfterMs },
    problems,
  };
}

/** Kills the leader and starts it again a while later: only the server with the stalled disk could be elected. */
async function withoutLeader({ clients, options }: Stage, leader: ServerProcess): Promise<void> {
  await leader.kill();
  await pause(options.leaderlessMs);
  leader.start();
  await leader.ready();
  await clients.acknowledgedAnew();
}

/** Resolves to how long it took until `/readyz` told of the stall. The server must not lead then. */
async function told(victim: ServerProcess, stalledAt: number): Promise<number> {
  await eventually('readyz to tell of the stall', async () => {
    const { status, body } = await ask(`${victim.url}/readyz`, { timeoutMs: 2_000 });
    return status === 503 && body.includes('"DiskStalled"');
  });
  return since(stalledAt);
}

/** Every role that a server says it has, until `signal`. */
async function rolesOf(node: ServerProcess, signal: AbortSignal): Promise<readonly string[]> {
  const roles = new Set<string>();
  while (!signal.aborted) {
    const status = await node.status();
    if (status !== null) roles.add(String(status.role));
    await pause(SAMPLE_MS);
  }
  return [...roles];
}

/** What a server answers that does not have the value that was written last. */
async function lateWrites(cluster: ServerCluster, value: string): Promise<readonly string[]> {
  const answers = cluster.nodes.map(async (node) => {
    const found = (await node.get(KEY)).body.toString();
    return found === value ? [] : [`${node.id} has ${found} in the place of ${value}`];
  });
  return (await Promise.all(answers)).flat();
}

async function termOf(node: ServerProcess): Promise<unknown> {
  return (await node.status())?.term;
}

function since(at: number): number {
  return Math.round(performance.now() - at);
}
