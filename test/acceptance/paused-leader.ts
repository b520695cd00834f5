/**
 * The leader is stopped as by a long pause of its process, another is elected and acknowledges a new value, reads are
 * sent to the old one, and it wakes up. It must not answer with the old value; and it must answer, for it can ask the
 * new leader.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, ask, closeConnections, json } from '../support/http.js';
import { ServerCluster } from '../support/server-cluster.js';
import { eventually } from '../support/wait.js';
import type { ScenarioContext } from './support/scenario.js';

export const defaults = { rounds: 50, readsPerRound: 20 };

export async function run(options: typeof defaults, { progress, signal }: ScenarioContext) {
  await using cluster = await ServerCluster.start();
  const counts = { rounds: 0, reads: 0, stale: 0, answered: 0, typedErrors: 0, untypedErrors: 0 };
  const errors: Record<string, number> = {};

  while (counts.rounds < options.rounds && !signal.aborted) {
    const round = counts.rounds++;
    const old = await cluster.leader();
    const before = await old.put('value', `old-${round}`);
    if (before.status !== 200) throw new Error(`the leader refused a write: ${before.status} ${before.body}`);
    // Connections that are open already, so that the reads are in its sockets when it wakes up.
    await Promise.all(Array.from({ length: options.readsPerRound }, () => old.get('value')));
    old.signal('SIGSTOP');
    const value = `new-${round}`;
    const others = cluster.others(old);
    await eventually('a new leader to acknowledge', async () => {
      const successor = await cluster.leader(others);
      return (await successor.put('value', value)).status === 200;
    });
    const reads = Array.from({ length: options.readsPerRound }, () =>
      ask(`${old.url}/v1/kv/value?timeout_ms=5000`, { timeoutMs: 15_000 }),
    );
    // The requests leave this process before the old leader runs again.
    await pause(20);
    old.signal('SIGCONT');
    for (const answer of await Promise.all(reads)) judge(answer, value, counts, errors);
    if (round % 5 === 4) progress(`${round + 1} rounds: ${JSON.stringify(counts)}`);
    await Promise.all(cluster.nodes.map((node) => node.ready()));
  }
  closeConnections();
  const share = counts.answered / counts.reads;
  const ok = counts.rounds >= options.rounds && counts.stale === 0 && counts.untypedErrors === 0 && share >= 0.95;
  return { ok, ...options, ...counts, answeredShare: Math.round(share * 10_000) / 10_000, errors };
}

type Counts = { reads: number; stale: number; answered: number; typedErrors: number; untypedErrors: number };

function judge(answer: Answer, value: string, counts: Counts, errors: Record<string, number>): void {
  counts.reads++;
  if (answer.status === 200) {
    counts.answered++;
    if (answer.body.toString() !== value) counts.stale++;
    return;
  }
  const typed = answer.headers['content-type']?.startsWith('application/problem+json') === true;
  const code = typed ? String(json(answer).code) : `untyped: ${answer.status} ${answer.failure}`;
  errors[code] = (errors[code] ?? 0) + 1;
  if (typed) counts.typedErrors++;
  else counts.untypedErrors++;
}
