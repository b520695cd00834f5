/**
 * The same requests, each with its own Idempotency-Key, are sent again and again by many clients through all servers
 * while leaders are killed. Each must be applied once, and every answer must be that of the first. At the end so many
 * others are sent that the keys may have been evicted: then each must be refused, and not applied again.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, ask, closeConnections, json } from '../support/http.js';
import { ServerCluster, type ServerProcess } from '../support/server-cluster.js';
import { eventually } from '../support/wait.js';
import type { ScenarioContext } from './support/scenario.js';

export const defaults = { sends: 1_000, clients: 16, keptRequests: 500, minKills: 5 };

const EVERY_MS = 1_000;
const DOWN_MS = 300;

interface Repeated {
  readonly name: string;
  readonly method: 'PUT' | 'DELETE' | 'POST';
  readonly path: string;
  readonly body: string;
  /** The status of its one and only answer. */
  readonly status: number;
}

/** Applied a second time, each would be answered otherwise: with another index, version or status. */
const REQUESTS: readonly Repeated[] = [
  { name: 'put', method: 'PUT', path: '/v1/kv/plain', body: 'v', status: 200 },
  { name: 'create', method: 'PUT', path: '/v1/kv/conditional?if_version=0', body: 'v', status: 200 },
  { name: 'delete', method: 'DELETE', path: '/v1/kv/deleted', body: '', status: 200 },
  { name: 'failed condition', method: 'PUT', path: '/v1/kv/taken?if_version=0', body: 'w', status: 412 },
  {
    ...{ name: 'transaction', method: 'POST', path: '/v1/txn', status: 200 },
    body: JSON.stringify({ operations: [{ delete: { key: 'from' } }, { put: { key: 'to', value: 'v' } }] }),
  },
];

export async function run(options: typeof defaults, { progress, signal }: ScenarioContext) {
  const serveArguments = ['--kept-requests', String(options.keptRequests)];
  await using cluster = await ServerCluster.start({ serveArguments });
  const counts = { sent: 0, answered: 0, unanswered: 0, kills: 0, refused: 0 };
  const problems: string[] = [];
  const leader = await cluster.leader();
  for (const key of ['deleted', 'taken', 'from']) await leader.put(key, 'v');
  // What every sender holds before its first attempt.
  const token = String((await leader.get('taken')).headers['quorate-token']);
  const answers = new Map<Repeated, Set<string>>(REQUESTS.map((request) => [request, new Set()]));

  const send = async (request: Repeated, node: ServerProcess): Promise<Answer> => {
    counts.sent += 1;
    const headers = { 'Idempotency-Key': request.name.replaceAll(' ', '-'), 'Quorate-Token': token };
    const { method, path, body } = request;
    return ask(`${node.url}${path}`, { method, headers, ...(method === 'DELETE' ? {} : { body }) });
  };
  const sendAndJudge = async (request: Repeated): Promise<void> => {
    const answer = await send(request, any(cluster.nodes));
    if (answer.status !== request.status) {
      // A node that is down refuses at once; whatever else fails must say so properly.
      if (![0, 503, 504].includes(answer.status)) problems.push(`${request.name}: ${answer.status} ${answer.body}`);
      counts.unanswered += 1;
      await pause(10);
      return;
    }
    counts.answered += 1;
    answers.get(request)?.add(answer.body.toString());
  };

  const work = { ended: false };
  const end = () => {
    work.ended = true;
  };
  const perClient = Math.ceil(options.sends / options.clients);
  const client = async () => {
    for (let at = 0; (at < perClient || counts.kills < options.minKills) && !work.ended && !signal.aborted; at += 1) {
      for (const request of REQUESTS) await sendAndJudge(request);
      if (at >= perClient) await pause(20);
    }
  };
  const clients = Promise.all(Array.from({ length: options.clients }, client));
  await Promise.all([clients.finally(end), killLeaders(cluster, work, counts).finally(end)]);
  await Promise.all(cluster.nodes.map((node) => node.ready()));
  for (const request of REQUESTS) await sendAndJudge(request);
  progress(JSON.stringify(counts));
  for (const [{ name }, bodies] of answers) {
    if (bodies.size !== 1) problems.push(`${name} has ${bodies.size} different answers: ${[...bodies].join(' ')}`);
  }
  const before = await contents(cluster);
  await evict(cluster, options.keptRequests);
  await refuseAll(cluster, send, counts, problems);
  for (const node of cluster.nodes) {
    await node.kill();
    node.start();
  }
  await Promise.all(cluster.nodes.map((node) => node.ready()));
  await refuseAll(cluster, send, counts, problems);
  const after = await contents(cluster);
  if (after !== before) problems.push(`the keys have changed: ${before} became ${after}`);
  closeConnections();
  const enough = counts.kills >= options.minKills && counts.answered >= options.sends;
  return { ok: problems.length === 0 && enough, ...options, ...counts, problems: problems.slice(0, 10) };
}

/** Kills whoever leads, again and again, until the clients have come to their end. */
async function killLeaders(
  cluster: ServerCluster,
  work: { readonly ended: boolean },
  counts: { kills: number; readonly answered: number },
): Promise<void> {
  while (!work.ended) {
    const node = await cluster.leader();
    await node.kill();
    counts.kills += 1;
    const { answered } = counts;
    await pause(DOWN_MS);
    node.start();
    const served = () => work.ended || counts.answered > answered;
    await eventually(`an answer after kill ${counts.kills}`, served, { timeoutMs: 60_000 });
    await pause(EVERY_MS);
  }
}

/** So many other requests that all those before are forgotten. */
async function evict(cluster: ServerCluster, count: number): Promise<void> {
  const others = Array.from({ length: count }, (_, at) => `other-${at}`);
  const senders = Array.from({ length: 8 }, async () => {
    for (let key = others.pop(); key !== undefined; key = others.pop()) {
      const headers = { 'Idempotency-Key': key };
      await eventually(`${key} to be written`, async () => {
        const node = any(cluster.nodes);
        return (await ask(`${node.url}/v1/kv/other`, { method: 'PUT', headers, body: 'v' })).status === 200;
      });
    }
  });
  await Promise.all(senders);
}

async function refuseAll(
  cluster: ServerCluster,
  send: (request: Repeated, node: ServerProcess) => Promise<Answer>,
  counts: { refused: number },
  problems: string[],
): Promise<void> {
  for (const request of REQUESTS) {
    for (const node of cluster.nodes) {
      const answer = await eventually(`${node.id} to answer`, async () => {
        const answered = await send(request, node);
        return [0, 503, 504].includes(answered.status) ? null : answered;
      });
      if (answer.status === 410 && json(answer).code === 'IdempotencyExpired') counts.refused += 1;
      else problems.push(`${request.name} at ${node.id} was not refused: ${answer.status} ${answer.body}`);
    }
  }
}

/** The keys of the requests with their values and versions, as one text. */
async function contents(cluster: ServerCluster): Promise<string> {
  const page = await eventually('a page', async () => {
    const answer = await any(cluster.nodes).range('limit=1000');
    return answer.status === 200 ? json(answer) : null;
  });
  const entries = page.entries as readonly { readonly key: string }[];
  return JSON.stringify(entries.filter(({ key }) => key !== 'other'));
}

function any(nodes: readonly ServerProcess[]): ServerProcess {
  return nodes[Math.floor(Math.random() * nodes.length)] as ServerProcess;
}
