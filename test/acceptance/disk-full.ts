/**
 * The file system of one server runs full, a real one: first that of a follower, then that of the leader, then that of
 * one whose disk every acknowledged write needs, because only one other server runs. The server says so and ends with
 * an error, the others go on, and once there is space it comes back. Nothing that was acknowledged may be missing, and
 * nothing stale be read.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ask, closeConnections, json } from '../support/http.js';
import { endedInsideLmdb } from '../support/lmdb-abort.js';
import { ServerCluster, type ServerProcess } from '../support/server-cluster.js';
import { SmallFileSystems } from '../support/small-file-systems.js';
import { eventually } from '../support/wait.js';
import { underLoad } from './support/recorded-load.js';
import type { ScenarioContext } from './support/scenario.js';
import type { TortureClients } from './support/torture-clients.js';

export const defaults = {
  clients: 9,
  /** Bytes of a file system; a segment of the log has 16 MiB, and no run needs more than a few of them. */
  sizeMib: 256,
  /** What is left of it: too little for the next segment. */
  leftMib: 1,
  /** How long the others go on by themselves. */
  withoutMs: 3_000,
  /** Later than this no call may be answered; each has a deadline of 2 s. */
  maxAnswerMs: 5_000,
};

const MIB = 1024 * 1024;
const NAMES = ['n1', 'n2', 'n3'];
const FILLING_BYTES = MIB / 4;
const FILLERS = ['filling-1', 'filling-2'];
const FULL_WITHIN_MS = 60_000;
const EXIT_FAILED = 1;

/** The number of the last value that was acknowledged. */
interface Filled {
  readonly key: string;
  readonly acknowledged: number;
}

interface Stage {
  readonly cluster: ServerCluster;
  readonly systems: SmallFileSystems;
  readonly clients: TortureClients;
  readonly options: typeof defaults;
}

export async function run(options: typeof defaults, { progress, signal }: ScenarioContext) {
  const runs = { follower: ofOne('follower'), leader: ofOne('leader'), neededForAll };
  const reports: Record<string, Awaited<ReturnType<typeof one>>> = {};
  for (const [name, body] of Object.entries(runs)) {
    signal.throwIfAborted();
    progress(`the disk that runs full: ${name}`);
    reports[name] = await one(options, body);
  }
  closeConnections();
  const all = Object.values(reports);
  const sum = (what: 'lost' | 'stale') => all.reduce((total, report) => total + report[what], 0);
  const slowestAnswerMs = Math.max(...all.map((report) => report.slowestAnswerMs));
  const ok = all.every((report) => report.ok);
  return { ok, lost: sum('lost'), stale: sum('stale'), slowestAnswerMs, ...reports };
}

async function one(options: typeof defaults, body: (stage: Stage) => Promise<Awaited<ReturnType<typeof runsFull>>>) {
  await using systems = await SmallFileSystems.mount(NAMES, options.sizeMib * MIB);
  const { directory, launcher } = systems;
  await using cluster = await ServerCluster.start({ directory, launcher });
  const { result, report } = await underLoad(cluster, options, (clients) =>
    body({ ...{ cluster, systems }, clients, options }),
  );
  const large = await missing(cluster, result.filled);
  const ok = report.ok && large.length + result.problems.length === 0;
  return { ...report, ...result, ok, lost: report.lost + large.length, problems: [...result.problems, ...large] };
}

/** The disk of the leader, or of a follower; the others go on. */
function ofOne(role: 'leader' | 'follower') {
  return async (stage: Stage) => {
    const { cluster, clients, options } = stage;
    const leader = await cluster.leader();
    const victim = role === 'leader' ? leader : (cluster.others(leader)[0] as ServerProcess);
    const end = await runsFull(stage, victim);
    const { acknowledged } = clients;
    await pause(options.withoutMs);
    await clients.acknowledgedAnew();
    const acknowledgedWithout = clients.acknowledged - acknowledged;
    const refused = await startsInVain(victim);
    stage.systems.resize(victim.id, options.sizeMib * MIB);
    const backAfterMs = await startsAgain(victim);
    return { ...end, acknowledgedWithout, backAfterMs, problems: [...end.problems, ...refused] };
  };
}

/**
 * Of three servers one is down. What the other two acknowledge is on the disk that runs full, or it was acknowledged
 * too early: then the one whose disk never was full goes, and the one that was down comes back.
 */
async function neededForAll(stage: Stage) {
  const { cluster, systems, clients, options } = stage;
  const other = await cluster.leader();
  const [victim, down] = cluster.others(other) as [ServerProcess, ServerProcess];
  await down.kill();
  const end = await runsFull(stage, victim);
  await other.kill();
  systems.resize(victim.id, options.sizeMib * MIB);
  down.start();
  const backAfterMs = await startsAgain(victim);
  await clients.acknowledgedAnew();
  other.start();
  return { ...end, backAfterMs };
}

/** Fills the log of a server until it has ended: what it said of it, and what was wrong. */
async function runsFull({ cluster, systems, options }: Stage, victim: ServerProcess) {
  const logged = victim.log.length;
  const exit = victim.exited();
  await systems.leave(victim.id, options.leftMib * MIB);
  const beganAt = performance.now();
  const readiness = watchReadiness(victim);
  const fillers = FILLERS.map((key) => fill(cluster, victim, key));
  const [filled, exitCode, said] = await Promise.all([Promise.all(fillers), exit, readiness]);
  const words = victim.log.slice(logged);
  const wasAborted = endedInsideLmdb(exitCode, words);
  const problems = [
    ...(exitCode === EXIT_FAILED || wasAborted ? [] : [`${victim.id} ended with ${exitCode}`]),
    ...(wasAborted || /^quorate: the node has stopped: .*(ENOSPC|No space left|Input\/output error).*free/m.test(words)
      ? []
      : [`its last words: ${words.slice(-500)}`]),
    // Its state, in the same directory, may be what finds no space first: of that there is no warning.
    ...(/the next segment of the log cannot be made|the state in/.test(words) || wasAborted ? [] : ['it did not warn']),
    ...(said.includes('DiskFailed') || wasAborted ? [] : [`readyz did not say DiskFailed: ${said.join(', ')}`]),
  ];
  return { victim: victim.id, filled, fullAfterMs: since(beganAt), readiness: said, wasAborted, problems };
}

/** Writes one large value after another, each beginning with its number, until the server has ended. */
async function fill(cluster: ServerCluster, victim: ServerProcess, key: string): Promise<Filled> {
  const until = performance.now() + FULL_WITHIN_MS;
  let acknowledged = 0;
  for (let number = 1; victim.running; number += 1) {
    if (performance.now() > until) throw new Error(`${victim.id} still runs after ${number} large values`);
    const node = cluster.nodes.find((each) => each.running && each !== victim) ?? victim;
    const answer = await node.put(key, String(number).padEnd(FILLING_BYTES, '.'), '?timeout_ms=1000');
    if (answer.status === 200) acknowledged = number;
  }
  return { key, acknowledged };
}

/** The large values that were acknowledged and are not on a server. */
async function missing(cluster: ServerCluster, filled: readonly Filled[]): Promise<readonly string[]> {
  const found = cluster.nodes.flatMap((node) =>
    filled.map(async ({ key, acknowledged }) => {
      const number = Number.parseInt((await node.get(key)).body.toString('latin1', 0, 20), 10);
      return number >= acknowledged ? [] : [`${node.id} has ${key} ${number}, ${acknowledged} was acknowledged`];
    }),
  );
  return (await Promise.all(found)).flat();
}

/** What `/readyz` says, one word for each change, until nobody answers any more. */
async function watchReadiness(node: ServerProcess): Promise<readonly string[]> {
  const said: string[] = [];
  while (node.running) {
    const answer = await ask(`${node.url}/readyz`, { timeoutMs: 5_000 });
    if (answer.status === 0) continue;
    const word = answer.status === 200 ? 'ready' : String(json(answer).code);
    if (said.at(-1) !== word) said.push(word);
  }
  return said;
}

/** What is wrong with how a start on a full disk ends; without any words it throws. */
async function startsInVain(node: ServerProcess): Promise<readonly string[]> {
  const logged = node.log.length;
  node.start();
  const exitCode = await node.exited();
  // What a process wrote may come after the news of its end.
  const words = await eventually('its last words', () => /^quorate: .*$/m.exec(node.log.slice(logged))?.[0] ?? null);
  const isClear = exitCode === EXIT_FAILED && /ENOSPC.*free/.test(words);
  return isClear ? [] : [`a start on the full disk ended with ${exitCode}: ${words}`];
}

async function startsAgain(node: ServerProcess): Promise<number> {
  const startedAt = performance.now();
  node.start();
  await node.ready();
  return since(startedAt);
}

function since(at: number): number {
  return Math.round(performance.now() - at);
}
