/**
 * Writes, compare-and-sets and linearizable reads at every server while something is done to them, and what comes of
 * it: the history goes through the checker, and everything that was acknowledged has to be on every server at the end.
 * What the checker cannot decide is no pass.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkHistory } from '../../../packages/quorate/src/testing/checker/check-history.js';
import { Prng } from '../../../packages/quorate/src/testing/simulator/prng.js';
import type { ServerCluster } from '../../support/server-cluster.js';
import { converged } from './converged.js';
import { HistoryRecorder } from './history-recorder.js';
import { TortureClients } from './torture-clients.js';

const CHECK_MS = 120_000;
const LOAD = { liveKeys: 4, operationsPerKey: 400, level: 'linearizable' };

export interface LoadOptions {
  /** Spread evenly over the servers. */
  readonly clients: number;
  /** Later than this no call may be answered. */
  readonly maxAnswerMs: number;
}

/** Resolves when `body` has, with what it resolved to and with what the clients were answered meanwhile. */
export async function underLoad<T>(
  cluster: ServerCluster,
  { clients: count, maxAnswerMs }: LoadOptions,
  body: (clients: TortureClients) => Promise<T>,
) {
  const recorder = new HistoryRecorder();
  const random = new Prng(1 + Math.floor(Math.random() * 2 ** 31));
  const clients = new TortureClients({ ...LOAD, cluster, recorder, random, clients: count });
  const running = clients.start();
  let result: T;
  try {
    result = await body(clients);
  } finally {
    clients.stop();
    await running;
  }
  const { slowestAnswerMs, longestOutageMs } = clients;
  await Promise.all(cluster.nodes.map((node) => node.ready()));
  await converged(cluster);
  await clients.readEverywhere();
  const events = recorder.events();
  const check = checkHistory(events, { model: 'cas-register', timeLimitMs: CHECK_MS });
  const { stale, lost, violations } = clients;
  const isSound = check.verdict === 'linearizable' && stale + lost + violations.length === 0;
  const report = {
    ok: isSound && slowestAnswerMs <= maxAnswerMs,
    verdict: check.verdict,
    operations: check.operations,
    acknowledged: clients.acknowledged,
    ...{ lost, stale, slowestAnswerMs, longestOutageMs, violations },
    history: isSound ? null : keep(events),
  };
  return { result, report };
}

/** Where the history is, for whoever wants to know what went wrong. */
function keep(events: readonly unknown[]): string {
  const file = join(mkdtempSync(join(tmpdir(), 'quorate-history-')), 'history.jsonl');
  writeFileSync(file, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  return file;
}
