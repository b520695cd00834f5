/**
 * Write through one node, and the moment the answer is there read it through another: the value must be the one just
 * written. With `--apply-delay-ms` the followers' state machines are slow, so that a reader that trusts anything but
 * the state is caught.
 */
import { fileURLToPath } from 'node:url';
import { closeConnections } from '../support/http.js';
import { type ClusterOptions, ServerCluster } from '../support/server-cluster.js';
import { percentiles } from './support/percentiles.js';
import type { ScenarioContext } from './support/scenario.js';

export const defaults = { rounds: 10_000, applyDelayMs: 0, lanes: 4 };

const SLOW_SERVER = fileURLToPath(new URL('../support/slow-apply-server.ts', import.meta.url));
const TYPESCRIPT = fileURLToPath(new URL('../../scripts/typescript.mjs', import.meta.url));

export async function run(options: typeof defaults, { progress, signal }: ScenarioContext) {
  const slow: ClusterOptions = {
    command: SLOW_SERVER,
    nodeArguments: ['--import', TYPESCRIPT],
    environment: { QUORATE_TEST_APPLY_DELAY_MS: String(options.applyDelayMs) },
  };
  await using cluster = await ServerCluster.start(options.applyDelayMs > 0 ? slow : {});
  const counts = { rounds: 0, stale: 0, errors: 0 };
  const readMs: number[] = [];
  const firstErrors: string[] = [];

  const lane = async (name: number) => {
    while (counts.rounds < options.rounds && !signal.aborted) {
      const round = counts.rounds++;
      if (round % 1_000 === 0) progress(`${round} of ${options.rounds} rounds, ${counts.stale} stale`);
      const writer = cluster.nodes[round % 3] as (typeof cluster.nodes)[number];
      const reader = cluster.nodes[(round + 1 + (Math.floor(round / 3) % 2)) % 3] as typeof writer;
      const value = `${name}-${round}`;
      const put = await writer.put(`lane-${name}`, value);
      const startedAt = performance.now();
      const get = await reader.get(`lane-${name}`);
      readMs.push(performance.now() - startedAt);
      if (put.status !== 200 || (get.status !== 200 && get.status !== 404)) {
        counts.errors++;
        if (firstErrors.length < 5)
          firstErrors.push(`${put.status} ${put.body} ${get.status} ${get.body} ${get.failure}`);
      } else if (get.body.toString() !== value) counts.stale++;
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, (_, name) => lane(name)));
  closeConnections();
  const ok = counts.stale === 0 && counts.errors === 0 && counts.rounds >= options.rounds;
  return { ok, ...options, ...counts, readMs: percentiles(readMs), firstErrors };
}
