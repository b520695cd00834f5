/** That all replicas are the same in the end. Whoever waits for it must have ended all writers before. */
import type { ServerCluster } from '../../support/server-cluster.js';
import { eventually } from '../../support/wait.js';

/** Resolves to the term once all replicas have applied the same, all of it committed. */
export function converged(cluster: ServerCluster): Promise<number> {
  return eventually('all replicas to have applied the same', async () => {
    const statuses = await Promise.all(cluster.nodes.map((node) => node.status()));
    const places = statuses.map((status) => `${status?.term}/${status?.lastIndex}`);
    const whole = statuses.every((status) => status !== null && status.applied === status.lastIndex);
    return whole && new Set(places).size === 1 ? Number(statuses[0]?.term) : null;
  });
}
