/**
 * `quorate cluster`: a whole cluster on this machine, for trying things out. It starts every server once, never again,
 * says so when one ends, and leaves none behind.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import type { ServerStatus } from 'quorate/client';
import { type NodePlan, planCluster } from '../cluster/plan.js';
import { firstTakenPort } from '../cluster/ports.js';
import { type ProcessEnd, ServerProcess } from '../cluster/server-process.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { flag, wholeNumber } from '../flags.js';
import { print } from '../output.js';
import { ownCommandLine } from '../shell.js';
import { startFailure } from '../start-failure.js';
import { stopOnSignals } from '../stop-signals.js';

interface ClusterFlags {
  readonly nodes: number;
  readonly dataDir: string;
  readonly port: number;
}

/** How long the servers may take to elect a leader and be ready, and how often they are asked, in milliseconds. */
const START_TIMEOUT_MS = 30_000;
const ASK_EVERY_MS = 100;

export function clusterCommand(): Command {
  return new Command('cluster')
    .description('start servers on this machine and stop them all with Ctrl-C; data is kept for the next time')
    .addOption(flag('--nodes <n>', 'how many').argParser(wholeNumber(1, 9)).default(3))
    .addOption(flag('--data-dir <dir>', 'where their directories and logs are').default('.quorate'))
    .addOption(
      flag('--port <n>', 'HTTP of the first; the others follow, and the peer ports are 1000 above')
        .argParser(wholeNumber(1, 65_535))
        .default(4001),
    )
    .action(cluster);
}

async function cluster(flags: ClusterFlags): Promise<void> {
  const plans = planCluster(flags);
  const stopRequested = stopOnSignals().signal;
  const taken = await firstTakenPort(plans.flatMap(({ port, peerPort }) => [port, peerPort]));
  if (taken !== null) {
    const remedy = 'stop what listens there, or choose others with --port';
    throw new CommandFailed(EXIT.failed, `port ${taken.port} cannot be used (${taken.code}): ${remedy}`);
  }
  const processes = startAll(plans, flags.dataDir);
  try {
    const statuses = await whenReady(processes, stopRequested);
    if (statuses === null) return;
    await print(welcome(processes, statuses));
    await watch(processes, stopRequested);
  } finally {
    await Promise.all(processes.map((server) => server.stop()));
    if (stopRequested.aborted) await print('all servers have stopped\n');
  }
}

function startAll(plans: readonly NodePlan[], dataDir: string): readonly ServerProcess[] {
  try {
    makeDirectory(resolve(dataDir));
    return plans.map((plan) => new ServerProcess(plan));
  } catch (error) {
    throw new CommandFailed(EXIT.failed, startFailure(error, dataDir));
  }
}

/**
 * Node's own recursive mkdir never returns where the system refuses with ENOENT below a directory that exists (/proc).
 */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error;
    makeDirectory(dirname(path));
    mkdirSync(path);
  }
}

/**
 * What every server says of itself once all of them serve fresh reads; null when told to stop. Throws when one of them
 * ends.
 */
async function whenReady(
  processes: readonly ServerProcess[],
  stopRequested: AbortSignal,
): Promise<readonly ServerStatus[] | null> {
  const oneEnded = new AbortController();
  const signal = AbortSignal.any([stopRequested, oneEnded.signal]);
  const ended = Promise.race(processes.map((server) => server.ended)).then((end) => {
    oneEnded.abort();
    throw new CommandFailed(EXIT.failed, endSentence(end));
  });
  return Promise.race([
    allReady(
      processes.map(({ plan }) => plan),
      signal,
    ),
    ended,
  ]);
}

async function allReady(plans: readonly NodePlan[], signal: AbortSignal): Promise<readonly ServerStatus[] | null> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const waiting = await firstNotReady(plans);
    if (signal.aborted) return null;
    if (waiting === null) break;
    if (performance.now() > deadline) {
      const { plan, reason } = waiting;
      const sentence = `${plan.id} was not ready after ${START_TIMEOUT_MS / 1_000} s (${reason}); see ${plan.logFile}`;
      throw new CommandFailed(EXIT.failed, sentence);
    }
    await delay(ASK_EVERY_MS);
  }
  return Promise.all(plans.map(async ({ url }) => (await (await fetch(`${url}/v1/status`)).json()) as ServerStatus));
}

async function firstNotReady(plans: readonly NodePlan[]): Promise<{ plan: NodePlan; reason: string } | null> {
  for (const plan of plans) {
    try {
      const answer = await fetch(`${plan.url}/readyz`, { signal: AbortSignal.timeout(5_000) });
      const body = (await answer.json()) as { detail?: string };
      if (!answer.ok) return { plan, reason: body.detail ?? `status ${answer.status}` };
    } catch (error) {
      return { plan, reason: error instanceof Error ? error.message : String(error) };
    }
  }
  return null;
}

function welcome(processes: readonly ServerProcess[], statuses: readonly ServerStatus[]): string {
  const plans = processes.map(({ plan }) => plan);
  const [first, second = first] = plans as [NodePlan, NodePlan?];
  const nodes = processes.map(({ pid, plan }, at) => {
    return `${plan.id}  ${plan.url}  ${statuses[at]?.role}  (process ${pid})\n    ${plan.serveLine}\n`;
  });
  return [
    '\nThe cluster is ready. Each server, and the line that starts it again should it end:\n\n',
    ...nodes,
    '\nTry it:\n',
    `  curl -X PUT --data-binary 'good morning' ${first.url}/v1/kv/greeting\n`,
    `  curl ${second.url}/v1/kv/greeting\n`,
    `  ${ownCommandLine(['status', '--endpoints', plans.map(({ url }) => url).join(',')])}\n`,
    '\nCtrl-C stops all of them; the data stays.\n',
  ].join('');
}

/** Returns when told to stop. Throws when no server is left. */
async function watch(processes: readonly ServerProcess[], stopRequested: AbortSignal): Promise<void> {
  const stop = new Promise<null>((resolve) => {
    if (stopRequested.aborted) resolve(null);
    stopRequested.addEventListener('abort', () => resolve(null), { once: true });
  });
  const left = new Map(processes.map((server) => [server.plan.id, server.ended]));
  while (left.size > 0) {
    const end = await Promise.race([stop, ...left.values()]);
    if (end === null) return;
    left.delete(end.plan.id);
    await print(`\n${endSentence(end)}\nIt is not started again; this line does:\n    ${end.plan.serveLine}\n`);
  }
  throw new CommandFailed(EXIT.failed, 'no server that was started here is left');
}

function endSentence({ plan, how, lastWords }: ProcessEnd): string {
  return `${plan.id} has ended with ${how}${lastWords === null ? '' : `: ${lastWords}`} (its log: ${plan.logFile})`;
}
