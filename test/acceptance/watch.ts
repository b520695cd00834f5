/**
 * Watches over many changes, while the server that serves one of them is killed with SIGKILL about every second, and
 * started again. Each watch tells each change once and in order: what two of them tell is the same, every acknowledged
 * write is among it, and what they add up to is the state at the end.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type ChangedEntry, Client } from '../../packages/quorate/src/client/index.js';
import { ask, closeConnections, json } from '../support/http.js';
import { ServerCluster, type ServerProcess } from '../support/server-cluster.js';
import { eventually } from '../support/wait.js';
import type { ScenarioContext } from './support/scenario.js';

export const defaults = { changes: 100_000, writers: 64, minKills: 20 };

const PREFIX = 'watched/';
const EVERY_MS = 1_000;
const DOWN_MS = 300;
/** A machine that is busy with other things may take long to start a server. */
const READY_MS = 60_000;
const KEYS_PER_WRITER = 50;

/** What one watch was told so far. */
interface Told {
  /** One line for each change: index, key and value. */
  readonly changes: string[];
  readonly state: Map<string, string>;
  last: number;
  outOfOrder: number;
  /** Why it ended before it was told to. */
  failure: string | null;
}

export async function run(options: typeof defaults, { progress, signal }: ScenarioContext) {
  await using cluster = await ServerCluster.start();
  const counts = { acknowledged: 0, unknown: 0, kills: 0 };
  const connections = new WatchConnections();
  const stop = new AbortController();
  // Of two watches one begins at each end of the list: at most times different servers serve them.
  const clients = [cluster.nodes, cluster.nodes.toReversed()].map(
    (nodes) => new Client({ endpoints: nodes.map(({ url }) => url) }),
  );
  const begin = Number((await cluster.node('n1').range('limit=1')).headers['quorate-applied-index']);
  const told = clients.map((): Told => ({ changes: [], state: new Map(), last: begin, outOfOrder: 0, failure: null }));
  const watches = clients.map((client, at) => follow(client, begin + 1, told[at] as Told, stop.signal));
  await eventually('both watches to begin', () => connections.count >= clients.length);
  const acknowledged = new Set<string>();
  const writers = Array.from({ length: options.writers }, (_, name) =>
    write(cluster, name, {
      acknowledged,
      counts,
      isDone: () => signal.aborted || stop.signal.aborted || acknowledged.size >= options.changes,
    }),
  );
  const written = Promise.all(writers);
  try {
    await killWhile(cluster, written, { counts, told, connections, signal, progress });
    await Promise.all(cluster.nodes.map((node) => node.ready()));
    const state = await stateOf(cluster.node('n1'));
    await eventually('both watches to be at the end', () =>
      told.every(({ last, failure }) => last >= state.index || failure !== null),
    );
    stop.abort();
    await Promise.all(watches);
    return { ...verdict(options, state, told, acknowledged, counts), connections: connections.count };
  } finally {
    connections.close();
    stop.abort();
    for (const client of clients) client.close();
    closeConnections();
    await Promise.allSettled([written, ...watches]);
  }
}

async function follow(client: Client, from: number, told: Told, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of client.watch({ prefix: PREFIX, from, signal })) {
      if (event.kind === 'change') take(event, told);
      else if (event.index < told.last) told.outOfOrder += 1;
      told.last = event.index;
    }
  } catch (error) {
    if (!signal.aborted) told.failure = String(error);
  }
}

function take(event: ChangedEntry, told: Told): void {
  if (event.index <= told.last) told.outOfOrder += 1;
  for (const change of event.changes) {
    const value = change.kind === 'put' ? Buffer.from(change.value).toString() : null;
    if (value === null) told.state.delete(change.key);
    else told.state.set(change.key, value);
    told.changes.push(`${event.index} ${change.key} ${value}`);
  }
}

/** Every value is written once. One write in twenty is a delete. */
async function write(
  cluster: ServerCluster,
  name: number,
  shared: { acknowledged: Set<string>; counts: Record<string, number>; isDone: () => boolean },
): Promise<void> {
  const { acknowledged, counts, isDone } = shared;
  for (let number = 0; !isDone(); number++) {
    const node = cluster.nodes[(name + number) % cluster.nodes.length] as ServerProcess;
    const key = `${PREFIX}${name}/${number % KEYS_PER_WRITER}`;
    const isDelete = number % 20 === 19;
    const url = `${node.url}/v1/kv/${encodeURIComponent(key)}?timeout_ms=3000`;
    const answer = await ask(url, isDelete ? { method: 'DELETE' } : { method: 'PUT', body: `${name}-${number}` });
    if (answer.status !== 200) {
      counts.unknown = (counts.unknown ?? 0) + 1;
      await pause(10);
      continue;
    }
    const { index, deleted } = json(answer);
    if (!isDelete || deleted === true) acknowledged.add(`${index} ${key} ${isDelete ? null : `${name}-${number}`}`);
    counts.acknowledged = acknowledged.size;
  }
}

async function killWhile(
  cluster: ServerCluster,
  written: Promise<unknown>,
  context: ScenarioContext & { counts: { kills: number }; told: readonly Told[]; connections: WatchConnections },
): Promise<void> {
  const { counts, told, connections, signal, progress } = context;
  let over = false;
  const noteEnd = () => {
    over = true;
  };
  written.then(noteEnd, noteEnd);
  while (!over && !signal.aborted) {
    const startedAt = performance.now();
    const node = cluster.nodes.find(({ url }) => url === connections.latest) as ServerProcess;
    await node.kill();
    counts.kills += 1;
    await pause(DOWN_MS);
    node.start();
    await node.ready(READY_MS);
    await pause(Math.max(0, EVERY_MS - (performance.now() - startedAt)));
    if (counts.kills % 10 === 0)
      progress(`${JSON.stringify(counts)}, told ${told.map(({ changes }) => changes.length)}`);
  }
  await written;
}

async function stateOf(node: ServerProcess): Promise<{ index: number; values: ReadonlyMap<string, string> }> {
  const values = new Map<string, string>();
  let index = 0;
  for (let start: string | null = PREFIX; start !== null; ) {
    const answer = await node.range(new URLSearchParams({ prefix: PREFIX, start }).toString());
    const page = json(answer) as { entries: { key: string; valueBase64: string }[]; next: string | null };
    index = Number(answer.headers['quorate-applied-index']);
    for (const { key, valueBase64 } of page.entries) values.set(key, Buffer.from(valueBase64, 'base64').toString());
    start = page.next;
  }
  return { index, values };
}

function verdict(
  { changes, minKills }: typeof defaults,
  state: { readonly values: ReadonlyMap<string, string> },
  told: readonly Told[],
  acknowledged: ReadonlySet<string>,
  counts: { readonly kills: number },
) {
  const [one, other] = told as [Told, Told];
  const seen = new Set(one.changes);
  const missing = [...acknowledged].filter((change) => !seen.has(change)).length;
  const twice = one.changes.length - seen.size;
  const outOfOrder = one.outOfOrder + other.outOfOrder;
  const longer = one.changes.length > other.changes.length ? one : other;
  const differing = longer.changes.filter((_, at) => one.changes[at] !== other.changes[at]).length;
  const failures = told.flatMap(({ failure }) => failure ?? []);
  const sameState = told.every((each) => equal(each.state, state.values));
  const sound =
    missing === 0 && twice === 0 && outOfOrder === 0 && differing === 0 && sameState && failures.length === 0;
  const enough = seen.size >= changes && counts.kills >= minKills;
  return {
    ok: sound && enough,
    ...counts,
    told: seen.size,
    missing,
    twice,
    outOfOrder,
    differing,
    sameState,
    failures,
  };
}

/** Which server the latest watch went to: Node tells of every request that this process makes. */
class WatchConnections {
  count = 0;
  latest = '';

  constructor() {
    subscribe('http.client.request.start', this.#note);
  }

  close(): void {
    unsubscribe('http.client.request.start', this.#note);
  }

  readonly #note = (message: unknown): void => {
    const { request } = message as { request: ClientRequest };
    if (!request.path.startsWith('/v1/watch')) return;
    this.count += 1;
    this.latest = `http://${request.getHeader('host')}`;
  };
}

function equal(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
