/**
 * What does it cost when somebody listens? Reads per second of a node without a subscriber, and with all that
 * `/metrics` subscribes to, in turns of one run, so that a busy machine is busy for both. It prints; it never judges.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStateMachine, RaftNode, type ReadOptions } from 'quorate';
import { ServerMetrics } from '../packages/server/dist/metrics/server-metrics.js';
import { freePorts } from '../test/support/server-cluster.js';
import { eventually } from '../test/support/wait.js';

const TURNS = 21;
const CONCURRENT = 64;
const IDS = ['n1', 'n2', 'n3'];

const directory = mkdtempSync(join(tmpdir(), 'quorate-bench-'));
const ports = await freePorts(IDS.length);
const peers = Object.fromEntries(IDS.map((id, i) => [id, `127.0.0.1:${ports[i]}`]));
const counters = () =>
  new MemoryStateMachine({
    codec: { encode: (text: string) => Buffer.from(text), decode: (bytes) => Buffer.from(bytes).toString() },
    create: () => new Map<string, number>(),
    apply: (state, key) => state.set(key, (state.get(key) ?? 0) + 1).size,
  });
const open = (id: string) => RaftNode.open({ id, peers, dataDir: join(directory, id), stateMachine: counters() });
const nodes = await Promise.all(IDS.map(open));
await nodes[0]?.propose('key', { timeoutMs: 30_000 });
const withRole = (role: string) => eventually(role, () => nodes.find((node) => node.status().role === role) ?? null);
const [leader, follower] = [await withRole('leader'), await withRole('follower')];

console.table([
  await measure('local', follower, { level: 'local' }, 40_000),
  await measure('linearizable, leader', leader, {}, 8_000),
  await measure('linearizable, follower', follower, {}, 8_000),
]);
await Promise.all(nodes.map((node) => node.close()));
rmSync(directory, { recursive: true });

type Node = (typeof nodes)[number];

interface Turn {
  readonly perSecond: number;
  /** Of the whole process, in microseconds. */
  readonly cpuPerRead: number;
}

async function measure(name: string, node: Node, options: ReadOptions, reads: number): Promise<object> {
  const without: Turn[] = [];
  const listening: Turn[] = [];
  await turn(node, options, reads);
  for (let i = 0; i < TURNS; i += 1) {
    without.push(await turn(node, options, reads));
    // As three servers would: each hears of the others' events, too.
    const metrics = IDS.map((id) => new ServerMetrics(id));
    listening.push(await turn(node, options, reads));
    for (const each of metrics) each.close();
  }
  const rate = (turns: readonly Turn[]) => median(turns.map(({ perSecond }) => perSecond));
  const cpu = (turns: readonly Turn[]) => median(turns.map(({ cpuPerRead }) => cpuPerRead));
  return {
    [`${CONCURRENT} readers`]: name,
    'reads/s without': Math.round(rate(without)),
    'reads/s with': Math.round(rate(listening)),
    ratio: (rate(listening) / rate(without)).toFixed(2),
    'CPU µs/read without': cpu(without).toFixed(2),
    'CPU µs/read with': cpu(listening).toFixed(2),
  };
}

async function turn(node: Node, options: ReadOptions, reads: number): Promise<Turn> {
  const beganAt = performance.now();
  const before = process.cpuUsage();
  const lane = async () => {
    for (let i = 0; i < reads / CONCURRENT; i += 1) await node.read((state) => state.get('key'), options);
  };
  await Promise.all(Array.from({ length: CONCURRENT }, lane));
  const { user, system } = process.cpuUsage(before);
  return { perSecond: reads / ((performance.now() - beganAt) / 1_000), cpuPerRead: (user + system) / reads };
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;
}
