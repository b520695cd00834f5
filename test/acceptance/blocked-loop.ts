/**
 * The event loop of one node is blocked for three seconds. A follower that was blocked must not cause an election
 * when it comes back, a leader that was blocked must not serve what it had, and either says in its log that it was
 * blocked.
 */
import { fileURLToPath } from 'node:url';
import { ask, closeConnections } from '../support/http.js';
import { ServerCluster, type ServerProcess } from '../support/server-cluster.js';
import { eventually } from '../support/wait.js';
import type { ScenarioContext } from './support/scenario.js';

export const defaults = { blockMs: 3_000, reads: 20 };

const HOOK = fileURLToPath(new URL('../support/block-loop.ts', import.meta.url));
const TYPESCRIPT = fileURLToPath(new URL('../../scripts/typescript.mjs', import.meta.url));

export async function run(options: typeof defaults, { progress }: ScenarioContext) {
  await using cluster = await ServerCluster.start({
    nodeArguments: ['--import', TYPESCRIPT, '--import', HOOK],
    environment: { QUORATE_TEST_BLOCK_MS: String(options.blockMs) },
  });
  progress('a follower is blocked');
  const leader = await cluster.leader();
  const follower = cluster.others(leader)[0] as ServerProcess;
  const termBefore = (await leader.status())?.term;
  const follows = await block(cluster, follower, leader, 'follower', options);
  const needlessElection = (await leader.status())?.term !== termBefore;

  progress('the leader is blocked');
  const leads = await block(cluster, leader, follower, 'leader', options);
  closeConnections();
  const stale = follows.stale + leads.stale;
  return {
    ok: stale === 0 && !needlessElection,
    ...options,
    needlessElection,
    follower: follows,
    leader: leads,
  };
}

/** Blocks `node`, writes through `other` meanwhile, and asks `node` for it. */
async function block(
  cluster: ServerCluster,
  node: ServerProcess,
  other: ServerProcess,
  key: string,
  options: typeof defaults,
): Promise<{ stale: number; answered: number }> {
  await other.put(key, 'before');
  await node.get(key);
  node.signal('SIGUSR2');
  await eventually('the loop to be blocked', () => node.log.includes('the loop is blocked from now on'));
  await eventually('a write to be acknowledged meanwhile', async () => (await other.put(key, 'after')).status === 200);
  const asked = Array.from({ length: options.reads }, () => ask(`${node.url}/v1/kv/${key}`, { timeoutMs: 15_000 }));
  const answers = await Promise.all(asked);
  await Promise.all(cluster.nodes.map((each) => each.ready()));
  const ok = answers.filter(({ status }) => status === 200);
  const stale = ok.filter(({ body }) => body.toString() !== 'after').length;
  // It says so at its next tick, after what waited in its sockets.
  await eventually('the warning in its log', () => node.log.includes('the event loop was blocked'));
  return { stale, answered: ok.length };
}
