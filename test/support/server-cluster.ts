/**
 * A cluster of real `quorate serve` processes on loopback, each with its own directory, that scenarios kill, pause
 * and start again. It must never leave a process behind, and keeps every line that they log.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isFree } from '../server/support/ports.js';
import { type Answer, ask, json } from './http.js';
import { eventually } from './wait.js';

const COMMAND = fileURLToPath(new URL('../../packages/server/dist/cli/main.js', import.meta.url));

export interface ClusterOptions {
  readonly nodes?: number;
  readonly cluster?: string;
  /** Arguments for node itself, before the command: hooks of a test. */
  readonly nodeArguments?: readonly string[];
  /** More arguments for `quorate serve`. */
  readonly serveArguments?: readonly string[];
  /** A command in front of node, that becomes node (`nsenter`); default none. */
  readonly launcher?: readonly string[];
  /** What to run instead of the built command; it gets the arguments of `quorate`. */
  readonly command?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: a temporary one, removed at the end. */
  readonly directory?: string;
  /** Told where the peers of a node connect to; resolves to the address that they are given instead, of a proxy. */
  readonly inFrontOf?: (id: string, address: string) => Promise<string>;
}

/** Starts the process of one node on a directory. */
type Start = (dataDir: string, cluster: string) => ChildProcess;

export class ServerProcess {
  readonly id: string;
  readonly url: string;
  readonly dataDir: string;
  /** All that it has written to standard error, over all its lives. */
  log = '';
  /** How often it was killed. */
  kills = 0;
  readonly #start: Start;
  readonly #cluster: string;
  #child: ChildProcess | null = null;

  constructor(options: { id: string; url: string; dataDir: string; cluster: string; start: Start }) {
    this.id = options.id;
    this.url = options.url;
    this.dataDir = options.dataDir;
    this.#cluster = options.cluster;
    this.#start = options.start;
  }

  /** The same node, at the same addresses, with the directory of another cluster. */
  inDirectory(dataDir: string, cluster: string): ServerProcess {
    return new ServerProcess({ id: this.id, url: this.url, dataDir, cluster, start: this.#start });
  }

  get running(): boolean {
    return this.#child !== null;
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.id} is not running`);
    return this.#child.pid;
  }

  start(): void {
    if (this.#child !== null) throw new Error(`${this.id} is running`);
    const child = this.#start(this.dataDir, this.#cluster);
    this.#child = child;
    child.stderr?.on('data', (text: Buffer) => {
      this.log += text.toString('utf8');
    });
    child.once('exit', () => {
      if (this.#child === child) this.#child = null;
    });
  }

  /** Resolves with the exit code, null when a signal ended it, once the process is gone. */
  async exited(): Promise<number | null> {
    const child = this.#child;
    if (child === null) return null;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  async kill(): Promise<void> {
    const gone = this.exited();
    this.signal('SIGKILL');
    this.kills += 1;
    await gone;
  }

  async stop(): Promise<void> {
    if (this.#child === null) return;
    const gone = this.exited();
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    await gone;
  }

  put(key: string, value: string | Uint8Array, query = ''): Promise<Answer> {
    return ask(`${this.url}/v1/kv/${encodeURIComponent(key)}${query}`, { method: 'PUT', body: value });
  }

  get(key: string, query = ''): Promise<Answer> {
    return ask(`${this.url}/v1/kv/${encodeURIComponent(key)}${query}`);
  }

  /** One page of a range. */
  range(query: string): Promise<Answer> {
    return ask(`${this.url}/v1/kv?${query}`);
  }

  /** Null when it does not answer. */
  async status(): Promise<Record<string, unknown> | null> {
    const answer = await ask(`${this.url}/v1/status`, { timeoutMs: 1_000 });
    return answer.status === 200 ? json(answer) : null;
  }

  async ready(timeoutMs = 20_000): Promise<void> {
    await eventually(
      `${this.id} to be ready; its log: ${this.log.slice(-2_000)}`,
      async () => (await ask(`${this.url}/readyz`, { timeoutMs: 2_000 })).status === 200,
      { timeoutMs },
    );
  }
}

export class ServerCluster implements AsyncDisposable {
  readonly nodes: readonly ServerProcess[];
  readonly directory: string;
  readonly #temporary: boolean;

  private constructor(nodes: readonly ServerProcess[], directory: string, temporary: boolean) {
    this.nodes = nodes;
    this.directory = directory;
    this.#temporary = temporary;
  }

  /** Starts the servers and resolves when each of them is ready. */
  static async start(options: ClusterOptions = {}): Promise<ServerCluster> {
    const cluster = await ServerCluster.prepare(options);
    try {
      for (const node of cluster.nodes) node.start();
      await Promise.all(cluster.nodes.map((node) => node.ready()));
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** As {@link start}, without starting any server. */
  static async prepare(options: ClusterOptions = {}): Promise<ServerCluster> {
    const { nodes: count = 3, cluster = 'test', nodeArguments = [], command = COMMAND, environment = {} } = options;
    const { serveArguments = [], launcher = [] } = options;
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'quorate-cluster-'));
    const ports = await freePorts(2 * count);
    const names = Array.from({ length: count }, (_, i) => `n${i + 1}`);
    const peerListens = names.map((_, i) => `127.0.0.1:${ports[count + i]}`);
    const { inFrontOf } = options;
    const addresses = inFrontOf
      ? await Promise.all(names.map((id, i) => inFrontOf(id, peerListens[i] as string)))
      : peerListens;
    const peers = names.map((id, i) => `${id}=${addresses[i]}`).join(',');
    const nodes = names.map((id, i) => {
      const listen = `127.0.0.1:${ports[i]}`;
      const peerListen = inFrontOf ? ['--peer-listen', peerListens[i] as string] : [];
      const start: Start = (dataDir, name) => {
        const serve = ['serve', '--id', id, '--data-dir', dataDir, '--listen', listen, '--peers', peers];
        const args = [...nodeArguments, command, ...serve, ...peerListen, '--cluster', name];
        args.push(...serveArguments);
        const env = { ...process.env, ...environment };
        const [program, ...rest] = [...launcher, process.execPath, ...args] as [string, ...string[]];
        return spawn(program, rest, { stdio: ['ignore', 'ignore', 'pipe'], env });
      };
      return new ServerProcess({ id, url: `http://${listen}`, dataDir: join(directory, id), cluster, start });
    });
    return new ServerCluster(nodes, directory, options.directory === undefined);
  }

  node(id: string): ServerProcess {
    const node = this.nodes.find((each) => each.id === id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  others(node: ServerProcess): readonly ServerProcess[] {
    return this.nodes.filter((each) => each !== node);
  }

  /** The node that says it leads, with the highest term if several do; waits until there is one among `among`. */
  async leader(among: readonly ServerProcess[] = this.nodes): Promise<ServerProcess> {
    return eventually('a leader', async () => {
      const statuses = await Promise.all(among.filter(({ running }) => running).map((node) => node.status()));
      const leading = statuses.filter((status) => status?.role === 'leader');
      leading.sort((a, b) => Number(b?.term) - Number(a?.term));
      const id = leading[0]?.id;
      return id === undefined ? null : this.node(String(id));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) if (node.running) node.signal('SIGKILL');
    await Promise.all(this.nodes.map((node) => node.exited()));
    if (this.#temporary) rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Ports that were free a moment ago, below the range from which the system takes ports for outgoing connections. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  let candidate = 10_000 + Math.floor(Math.random() * 20_000);
  while (ports.length < count) {
    candidate += 1;
    if (await isFree(candidate)) ports.push(candidate);
  }
  return ports;
}
