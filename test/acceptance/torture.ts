/**
 * Five servers under every fault that a machine can do to them from outside: killed, paused, with failing disks, and
 * with late, lossy, cut and partitioned links, all at once. The history that clients record must be linearizable. A run
 * in which a fault did not happen, or hardly anything was done, is not a pass.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CheckResult, checkHistory } from '../../packages/quorate/src/testing/checker/check-history.js';
import { Prng } from '../../packages/quorate/src/testing/simulator/prng.js';
import { whyNoFaultyDisks } from '../support/faulty-disk.js';
import { closeConnections } from '../support/http.js';
import { ServerCluster } from '../support/server-cluster.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { converged } from './support/converged.js';
import { type FaultKind, networkFaults, processFaults } from './support/fault-plan.js';
import { HistoryRecorder } from './support/history-recorder.js';
import { Nemesis } from './support/nemesis.js';
import type { ScenarioContext } from './support/scenario.js';
import { TortureClients } from './support/torture-clients.js';

export const defaults = {
  minutes: 10,
  /** 0: drawn, and printed. */
  seed: 0,
  clients: 10,
  liveKeys: 4,
  operationsPerKey: 400,
  /** The longest pause of a process; no other fault lasts longer either. */
  maxHoldMs: 10_000,
  /** `all`, or kinds of faults with commas between them. */
  faults: 'all',
  /** Of the reads; `local` shows that the checker finds stale ones. */
  level: 'linearizable',
  /** Where the history is written; empty: to a temporary file, and only when it is not a pass. */
  history: '',
  /** Answered operations per second. */
  minPerSecond: 20,
  /** How long the checker may take. */
  checkSeconds: 300,
};

const NODES = 5;
const allFaults: readonly FaultKind[] = [...processFaults, ...networkFaults];

export async function run(options: typeof defaults, context: ScenarioContext) {
  const seed = options.seed || 1 + Math.floor(Math.random() * 2 ** 31);
  const asked = chosenFaults(options.faults);
  const missing = asked.includes('disk-error') ? await whyNoFaultyDisks() : null;
  if (missing !== null && required().includes('strace')) {
    throw new Error(`QUORATE_REQUIRE names strace, but ${missing}`);
  }
  const kinds = asked.filter((kind) => kind !== 'disk-error' || missing === null);
  context.progress(
    `seed ${seed}, faults: ${kinds.join(', ')}${missing === null ? '' : `; no disk errors: ${missing}`}`,
  );
  const tortured = await torture({ ...options, seed, kinds }, context);
  const { clients, nemesis, recorder, end } = tortured;
  const events = recorder.events();
  const checkedAt = performance.now();
  const check = checkHistory(events, { model: 'cas-register', timeLimitMs: options.checkSeconds * 1_000 });
  const checkerMs = Math.round(performance.now() - checkedAt);
  const violations = [...end, ...nemesis.violations, ...clients.violations];
  const faults = nemesis.counts(true);
  const notEnough = shortcomings(tortured, options, kinds);
  const ok = check.verdict === 'linearizable' && violations.length === 0 && notEnough.length === 0;
  const history = !ok || options.history !== '' ? write(options.history, tortured, check) : null;
  if (history !== null) context.progress(`the history is in ${history}, the faults are in ${history}.faults`);
  if (check.explanation !== null) context.progress(check.explanation);
  return {
    ok: ok && !context.signal.aborted,
    seed,
    minutes: options.minutes,
    verdict: check.verdict,
    operations: recorder.counts,
    checked: check.operations,
    keys: check.keys,
    faults,
    withoutEffect: nemesis.counts(false),
    off: missing === null ? {} : { 'disk-error': missing },
    links: tortured.links,
    term: tortured.term,
    longestOutageMs: clients.longestOutageMs,
    checkerMs,
    violations,
    notEnough,
    history,
  };
}

interface Tortured {
  readonly clients: TortureClients;
  readonly nemesis: Nemesis;
  readonly recorder: HistoryRecorder;
  /** What was wrong at the end. */
  readonly end: readonly string[];
  readonly links: Readonly<Record<string, number>>;
  /** At the end; null when the replicas did not become the same. */
  readonly term: number | null;
  readonly seconds: number;
}

/** Runs the cluster, and resolves when it is gone. */
async function torture(
  options: typeof defaults & { readonly kinds: readonly FaultKind[] },
  { progress, signal }: ScenarioContext,
): Promise<Tortured> {
  const random = new Prng(options.seed);
  const chance = random.fork();
  await using proxy = new TcpProxy(() => chance.next());
  await using cluster = await ServerCluster.start({
    nodes: NODES,
    inFrontOf: (id, address) => proxy.inFrontOf(id, address),
  });
  const recorder = new HistoryRecorder();
  const clients = new TortureClients({ ...options, cluster, recorder, random: random.fork() });
  const nemesis = new Nemesis({
    ...{ cluster, proxy, progress, kinds: options.kinds, maxHoldMs: options.maxHoldMs },
    random: random.fork(),
    acknowledged: () => clients.acknowledged,
  });
  const startedAt = performance.now();
  const broken = new AbortController();
  const running = clients.start();
  running.catch((error: unknown) => broken.abort(error));
  const end: string[] = [];
  let seconds = 0;
  let term: number | null = null;
  try {
    await nemesis.run(options.minutes * 60_000, AbortSignal.any([signal, broken.signal]));
    clients.stop();
    await running;
    seconds = (performance.now() - startedAt) / 1_000;
    await Promise.all(cluster.nodes.map((node) => node.ready()));
    term = await converged(cluster);
    await clients.readEverywhere();
  } catch (error) {
    // What was recorded until now is worth checking all the same.
    end.push(error instanceof Error ? error.message : String(error));
  } finally {
    clients.stop();
    nemesis.stopWatching();
    closeConnections();
    await Promise.allSettled([running]);
  }
  if (proxy.strangers > 0) end.push(`${proxy.strangers} connections between peers began without a greeting`);
  for (const { id, log } of cluster.nodes) {
    const line = log.split('\n').find((each) => each.includes('invariant violated'));
    if (line !== undefined) end.push(`${id}: ${line}`);
  }
  return { clients, nemesis, recorder, end, links: linkCounts(cluster, proxy), term, seconds };
}

function linkCounts(cluster: ServerCluster, proxy: TcpProxy): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const from of cluster.nodes) {
    for (const to of cluster.others(from)) {
      const { counts } = proxy.link(from.id, to.id);
      for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
    }
  }
  return sum;
}

/** Why a run without a violation is no pass. */
function shortcomings(tortured: Tortured, options: typeof defaults, kinds: readonly FaultKind[]): readonly string[] {
  const { clients, nemesis, recorder, seconds } = tortured;
  const { read, write: written, cas } = recorder.counts;
  const least = options.minPerSecond * seconds;
  const faults = nemesis.counts(true);
  const perServer = Array.from({ length: NODES }, (_, i) => clients.readsOn[`n${i + 1}`] ?? 0);
  return [
    ...kinds.filter((kind) => faults[kind] === 0).map((kind) => `${kind} never took effect`),
    ...(read.ok + written.ok + cas.ok < least ? [`less than ${options.minPerSecond} operations per second`] : []),
    // Each of them observes or changes a register in its own way.
    ...[read.ok, written.ok, cas.ok, cas.fail].flatMap((count, i) =>
      count < least / 20 ? [`only ${count} ${['reads', 'writes', 'cas that succeeded', 'cas that failed'][i]}`] : [],
    ),
    ...perServer.flatMap((reads, i) => (reads < least / 40 ? [`only ${reads} reads on n${i + 1}`] : [])),
  ];
}

function chosenFaults(names: string): readonly FaultKind[] {
  if (names === 'all') return allFaults;
  return names.split(',').map((name) => {
    const kind = allFaults.find((known) => known === name);
    if (kind === undefined) throw new Error(`there is no fault ${name}; there are: ${allFaults.join(', ')}`);
    return kind;
  });
}

/** What must not be left out where it cannot run. */
function required(): readonly string[] {
  return (process.env.QUORATE_REQUIRE ?? '').split(',').map((name) => name.trim());
}

function write(path: string, { recorder, nemesis }: Tortured, check: CheckResult): string {
  const file = path || join(mkdtempSync(join(tmpdir(), 'quorate-torture-')), 'history.jsonl');
  const lines = (items: readonly unknown[]) => items.map((item) => `${JSON.stringify(item)}\n`).join('');
  writeFileSync(file, lines(recorder.events()));
  writeFileSync(`${file}.faults`, lines(nemesis.records));
  if (check.explanation !== null) writeFileSync(`${file}.explanation`, check.explanation);
  return file;
}
