/**
 * How long does a follower's linearizable read take right after a write was acknowledged, and how many confirmation
 * rounds do many reads share? Three server processes on loopback, over HTTP. It prints; it never judges.
 */

import { percentiles } from '../test/acceptance/support/percentiles.js';
import { closeConnections } from '../test/support/http.js';
import { ServerCluster, type ServerProcess } from '../test/support/server-cluster.js';

const ROUNDS = 2_000;
const WARM_UP = 300;
const READS = 20_000;
const CONCURRENT = 64;

await using cluster = await ServerCluster.start();
const leader = await cluster.leader();
const follower = cluster.others(leader)[0] as ServerProcess;

const rows: { what: string; median: number; p99: number }[] = [];
rows.push({ what: 'write through the leader', ...(await time(() => leader.put('key', 'value'))) });
rows.push({ what: 'write through a follower', ...(await time(() => follower.put('key', 'value'))) });
rows.push({ what: 'linearizable read, leader, right after a write', ...(await afterWrite(leader, '')) });
rows.push({ what: 'linearizable read, follower, right after a write', ...(await afterWrite(follower, '')) });
rows.push({ what: 'local read, follower, right after a write', ...(await afterWrite(follower, '?level=local')) });
console.log('milliseconds          median      p99');
for (const { what, median, p99 } of rows) {
  console.log(`${what.padEnd(50)} ${median.toFixed(3).padStart(8)} ${p99.toFixed(3).padStart(8)}`);
}

for (const node of [leader, follower]) {
  const before = await rounds();
  const startedAt = performance.now();
  const lane = async () => {
    for (let i = 0; i < READS / CONCURRENT; i++) check(await node.get('key'));
  };
  await Promise.all(Array.from({ length: CONCURRENT }, lane));
  const seconds = (performance.now() - startedAt) / 1_000;
  const perThousand = ((await rounds()) - before) / (READS / 1_000);
  const where = node === leader ? 'the leader' : 'a follower';
  const rate = Math.round(READS / seconds);
  console.log(
    `${CONCURRENT} concurrent reads on ${where}: ${rate} reads/s, ${perThousand.toFixed(1)} rounds per 1,000 reads`,
  );
}
closeConnections();

async function rounds(): Promise<number> {
  return Number((await leader.status())?.rounds);
}

async function afterWrite(reader: ServerProcess, query: string) {
  return time(
    () => reader.get('key', query),
    () => leader.put('key', String(Math.random())),
  );
}

async function time(measured: () => Promise<{ status: number }>, first?: () => Promise<{ status: number }>) {
  const sample: number[] = [];
  for (let i = 0; i < WARM_UP + ROUNDS; i++) {
    if (first !== undefined) check(await first());
    const startedAt = performance.now();
    check(await measured());
    if (i >= WARM_UP) sample.push(performance.now() - startedAt);
  }
  return percentiles(sample);
}

function check(answer: { status: number; body?: Buffer }): void {
  if (answer.status !== 200) throw new Error(`a request failed: ${answer.status} ${answer.body}`);
}
