/**
 * What does a server with a million keys cost that one with a thousand does not? Time to start after a clean stop and
 * after SIGKILL, memory, and linearizable reads, with each server in its turn. Real processes of one node each, over
 * HTTP. It prints; it never judges:
 * `npm run bench -- growth [--keys N] [--store lmdb|memory] [--turns N] [--reads N] [--json]`.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readOptions, runCommand } from '../scripts/options.mjs';
import { ProgressBar } from '../scripts/progress-bar.mjs';
import { percentiles } from '../test/acceptance/support/percentiles.js';
import { ask, closeConnections } from '../test/support/http.js';
import { parseExposition, sampleValue } from '../test/support/prometheus.js';
import { ServerCluster, type ServerProcess } from '../test/support/server-cluster.js';

const FEW_KEYS = 1_000;
const VALUE = 'x'.repeat(100);
/** Puts of one transaction, and transactions under way. */
const PUTS = 100;
const LOADERS = 8;
const READERS = 16;
/** Between two samples of prom-client's event loop lag, which counts it in, in milliseconds. */
const LAG_SAMPLE_MS = 10;

const keyOf = (at: number) => `key ${String(at).padStart(9, '0')}`;

await runCommand(async () => {
  const defaults = { keys: 1_000_000, store: 'lmdb', turns: 11, reads: 4_000, json: false };
  const options = readOptions(process.argv.slice(2), defaults);
  const serveArguments = ['--store', options.store];
  await using large = await ServerCluster.start({ nodes: 1, serveArguments });
  await using small = await ServerCluster.start({ nodes: 1, serveArguments });
  const [many, few] = [large.node('n1'), small.node('n1')];
  await load(few, FEW_KEYS);
  const loaded = await load(many, options.keys);
  // On a busy machine a server that does nothing is late, too.
  const idleLoopDelayMs = await loopDelay(few);
  const memoryLoaded = await memory(many);
  const cleanMs = await restart(many, 'SIGTERM');
  const killedMs = await restart(many, 'SIGKILL');
  const memoryStarted = await memory(many);
  // Both have run for as long.
  await restart(few, 'SIGKILL');
  const reads = await compare(few, many, options);
  const result = {
    ...{ keys: options.keys, store: options.store, ...loaded, idleLoopDelayMs, cleanMs, killedMs },
    ...{ memoryLoaded, memoryStarted, disk: await disk(many.dataDir), reads },
  };
  console.log(options.json ? JSON.stringify(result) : report(result));
  closeConnections();
});

interface Loaded {
  readonly putsPerSecond: number;
  /** 99th percentile and maximum of how late the loop was meanwhile. */
  readonly loopDelayMs: { readonly p99: number; readonly max: number };
}

/** Puts so many keys, with as many transactions under way as the server takes at full rate. */
async function load(server: ServerProcess, keys: number): Promise<Loaded> {
  const bar = new ProgressBar(process.stderr, { terminalMs: 100, plainMs: 10_000 });
  await loopDelay(server);
  const beganAt = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < keys) {
      const first = next;
      next = Math.min(keys, first + PUTS);
      const puts = Array.from({ length: next - first }, (_, at) => ({ put: { key: keyOf(first + at), value: VALUE } }));
      await transact(server, JSON.stringify({ operations: puts }));
      bar.draw(next / keys, `${next} of ${keys} keys are put`);
    }
  };
  await Promise.all(Array.from({ length: LOADERS }, lane));
  bar.end();
  return {
    putsPerSecond: Math.round((1_000 * keys) / (performance.now() - beganAt)),
    loopDelayMs: await loopDelay(server),
  };
}

/** Again when the server is busy: that says how fast it is. */
async function transact(server: ServerProcess, body: string): Promise<void> {
  for (;;) {
    const headers = { 'content-type': 'application/json' };
    const answer = await ask(`${server.url}/v1/txn`, { method: 'POST', headers, body, timeoutMs: 60_000 });
    if (answer.status === 200) return;
    if (answer.status !== 503) throw new Error(`a transaction failed: ${answer.status} ${answer.body}`);
    await delay(50);
  }
}

/** Since the last call. */
async function loopDelay(server: ServerProcess): Promise<Loaded['loopDelayMs']> {
  const metrics = parseExposition((await ask(`${server.url}/metrics`)).body.toString());
  const late = (name: string) => {
    const ms = 1_000 * (sampleValue(metrics, `nodejs_eventloop_lag_${name}_seconds`) ?? Number.NaN);
    return Math.max(0, Math.round(10 * (ms - LAG_SAMPLE_MS)) / 10);
  };
  return { p99: late('p99'), max: late('max') };
}

/** From the start of the process until it serves fresh reads, in milliseconds. */
async function restart(server: ServerProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<number> {
  if (signal === 'SIGTERM') await server.stop();
  else await server.kill();
  const beganAt = performance.now();
  server.start();
  const deadline = beganAt + 120_000;
  while ((await ask(`${server.url}/readyz`, { timeoutMs: 60_000 })).status !== 200) {
    if (!server.running || performance.now() > deadline)
      throw new Error(`it does not start: ${server.log.slice(-500)}`);
    await delay(10);
  }
  return Math.round(performance.now() - beganAt);
}

/** Resident, and of that what is not the mapped file, which the system takes back when it needs it; in MiB. */
async function memory({ pid }: ServerProcess): Promise<{ readonly resident: number; readonly anonymous: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string) =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1_024);
  return { resident: mib('VmRSS'), anonymous: mib('RssAnon') };
}

/** MiB of each folder of the data directory. */
async function disk(dataDir: string): Promise<Readonly<Record<string, number>>> {
  const sizes: Record<string, number> = {};
  for (const folder of ['log', 'snapshots', 'state']) {
    const names = await readdir(join(dataDir, folder)).catch(() => []);
    const bytes = await Promise.all(names.map(async (name) => (await stat(join(dataDir, folder, name))).size));
    sizes[folder] = Math.round(bytes.reduce((sum, each) => sum + each, 0) / 2 ** 20);
  }
  return sizes;
}

interface Reads {
  readonly keys: number;
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Time of processors that the server took, in microseconds a read: it tells more than the rest on a busy machine. */
  readonly cpuMicros: number;
}

/** In turns, so that a busy machine is busy for both: the medians over all turns. */
async function compare(
  few: ServerProcess,
  many: ServerProcess,
  { keys, turns, reads }: { keys: number; turns: number; reads: number },
): Promise<readonly Reads[]> {
  const sides = [
    { server: few, keys: FEW_KEYS, taken: [] as Reads[] },
    { server: many, keys, taken: [] as Reads[] },
  ];
  for (const side of sides) for (let i = 0; i < 3; i += 1) await readTurn(side.server, side.keys, reads);
  for (let turn = 0; turn < turns; turn += 1) {
    // Each goes first as often as the other.
    for (const side of turn % 2 === 0 ? sides : [...sides].reverse()) {
      side.taken.push(await readTurn(side.server, side.keys, reads));
    }
  }
  return sides.map(({ keys: count, taken }) => {
    const median = (of: (each: Reads) => number) => percentiles(taken.map(of)).median;
    return {
      keys: count,
      perSecond: Math.round(median((each) => each.perSecond)),
      medianMs: median((each) => each.medianMs),
      p99Ms: median((each) => each.p99Ms),
      cpuMicros: Math.round(median((each) => each.cpuMicros)),
    };
  });
}

async function readTurn(server: ServerProcess, keys: number, reads: number): Promise<Reads> {
  const sample: number[] = [];
  const cpuBefore = await cpuMs(server);
  const beganAt = performance.now();
  const lane = async () => {
    for (let at = 0; at < reads / READERS; at += 1) {
      const startedAt = performance.now();
      const answer = await server.get(keyOf(Math.floor(Math.random() * keys)));
      if (answer.status !== 200) throw new Error(`a read failed: ${answer.status} ${answer.body}`);
      sample.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: READERS }, lane));
  const perSecond = (1_000 * sample.length) / (performance.now() - beganAt);
  const { median, p99 } = percentiles(sample);
  const cpuMicros = (1_000 * ((await cpuMs(server)) - cpuBefore)) / sample.length;
  return { keys, perSecond, medianMs: median, p99Ms: p99, cpuMicros };
}

/** The time of processors that the process has taken, in milliseconds; the system counts hundredths of a second. */
async function cpuMs({ pid }: ServerProcess): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

function report(result: {
  readonly keys: number;
  readonly store: string;
  readonly putsPerSecond: number;
  readonly loopDelayMs: Loaded['loopDelayMs'];
  readonly idleLoopDelayMs: Loaded['loopDelayMs'];
  readonly cleanMs: number;
  readonly killedMs: number;
  readonly memoryLoaded: { readonly resident: number; readonly anonymous: number };
  readonly memoryStarted: { readonly resident: number; readonly anonymous: number };
  readonly disk: Readonly<Record<string, number>>;
  readonly reads: readonly Reads[];
}): string {
  const { keys, store, loopDelayMs, idleLoopDelayMs, memoryLoaded, memoryStarted, reads } = result;
  const mib = (of: typeof memoryLoaded) => `${of.resident} MiB, ${of.anonymous} of them not the mapped file`;
  const folders = Object.entries(result.disk).map(([name, size]) => `${name} ${size} MiB`);
  return [
    `${keys} keys with values of ${VALUE.length} bytes, --store ${store}`,
    `puts a second, ${PUTS} in a transaction            ${result.putsPerSecond}`,
    `loop delay meanwhile, 99th percentile      ${loopDelayMs.p99} ms (longest ${loopDelayMs.max} ms)`,
    `that of an idle server meanwhile           ${idleLoopDelayMs.p99} ms (longest ${idleLoopDelayMs.max} ms)`,
    `start after a clean stop                   ${result.cleanMs} ms`,
    `start after SIGKILL                        ${result.killedMs} ms`,
    `memory with all keys put                   ${mib(memoryLoaded)}`,
    `memory after the start                     ${mib(memoryStarted)}`,
    `on the disk                                ${folders.join(', ')}`,
    '',
    `linearizable reads, ${READERS} at a time   reads/s   median ms      p99 ms   CPU µs`,
    ...reads.map(({ keys: count, perSecond, medianMs, p99Ms, cpuMicros }) => {
      const columns = [perSecond, medianMs.toFixed(3), p99Ms.toFixed(3)].map((each) => String(each).padStart(11));
      return `with ${String(count).padStart(9)} keys          ${columns.join(' ')} ${String(cpuMicros).padStart(8)}`;
    }),
  ].join('\n');
}
