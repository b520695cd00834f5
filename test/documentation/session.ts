/**
 * A folder in which the examples of one document are run as a reader would: the packages are installed there, `npm
 * start` is a cluster in the background, and the documented ports are moved to free ones. It must never leave a process
 * or a folder behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../tidy/repository.js';
import { type Example, outputMatches } from './examples.js';

const blockTimeoutMs = 60_000;

/** First port of each range in the documents: HTTP, nodes, embedded examples. They stay this far apart when moved. */
const documentedPorts = [4001, 5001, 5101];
const portsPerRange = 9;

const tsconfig = {
  extends: join(root, 'tsconfig.base.json'),
  compilerOptions: { composite: false, declaration: false, noEmit: true, noUnusedLocals: false },
  include: ['*.ts'],
};

export class Session {
  readonly #folder: string;
  readonly #portOffset: number;
  #cluster: Background | null = null;
  /** Process groups of the shell blocks: a block may leave a server running, for a later one. */
  readonly #groups: number[] = [];
  #files = 0;

  private constructor(folder: string, portOffset: number) {
    this.#folder = folder;
    this.#portOffset = portOffset;
  }

  static async open(): Promise<Session> {
    const folder = await mkdtemp(join(tmpdir(), 'quorate-documents-'));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }\n');
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
    return new Session(folder, await freePortOffset());
  }

  async close(): Promise<void> {
    try {
      await this.#stopCluster();
    } finally {
      for (const group of this.#groups) killGroup(group);
      await rm(this.#folder, { recursive: true, force: true });
    }
  }

  /** Runs the example. Throws, with what was printed, when it fails or prints something else than the document says. */
  async run(example: Example): Promise<void> {
    const text = this.#movePorts(example.text);
    const expected = example.expected === null ? null : this.#movePorts(example.expected);
    const start = /^npm start(?: --(?<args>.*))?$/.exec(text.trim());
    if (start !== null) return this.#startCluster(words(start.groups?.args ?? ''), expected);
    const output = example.language === 'ts' ? await this.#runTypeScript(text) : await this.#runShell(text);
    if (expected !== null && !outputMatches(expected, output)) throw new Error(`it printed:\n${output}`);
  }

  #movePorts(text: string): string {
    const first = documentedPorts.flatMap((port) => Array.from({ length: portsPerRange }, (_, i) => `${port + i}`));
    return text.replaceAll(
      new RegExp(`\\b(${first.join('|')})\\b`, 'g'),
      (port) => `${Number(port) + this.#portOffset}`,
    );
  }

  /** What a reader's shell would have; the ports go to the commands by the environment variables of their flags. */
  get #environment(): NodeJS.ProcessEnv {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(VITEST|QUORATE_|NODE_OPTIONS|npm_)/i.test(name),
    );
    const http = 4001 + this.#portOffset;
    return {
      ...Object.fromEntries(inherited),
      NODE_ENV: '',
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      QUORATE_PORT: `${http}`,
      QUORATE_ENDPOINTS: [0, 1, 2].map((i) => `http://127.0.0.1:${http + i}`).join(','),
      // A command that is not installed must fail, not be fetched.
      npm_config_offline: 'true',
      npm_config_yes: 'false',
    };
  }

  async #startCluster(args: readonly string[], expected: string | null): Promise<void> {
    await this.#stopCluster();
    const start = [join(root, 'scripts/start.mjs'), ...args];
    this.#cluster = new Background(start, { cwd: this.#folder, env: this.#environment });
    await this.#cluster.printed((output) => /^Ctrl-C /m.test(output));
    const { output } = this.#cluster;
    if (expected !== null && !outputMatches(expected, output)) throw new Error(`it printed:\n${output}`);
  }

  async #stopCluster(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = null;
    await cluster?.interrupt();
  }

  async #runTypeScript(text: string): Promise<string> {
    this.#files += 1;
    const name =
      /^\/\/ (?<name>[\w-]+\.ts)$/m.exec(text.split('\n')[0] as string)?.groups?.name ?? `example-${this.#files}.ts`;
    await writeFile(join(this.#folder, name), text);
    await this.#command(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.']);
    return this.#command(process.execPath, ['--import', join(root, 'scripts/typescript.mjs'), name]);
  }

  /**
   * `npm test` becomes a run of one small test file, for the whole suite is running this very test. `npx` runs the
   * command that the build has linked, without the second that npm takes to find it.
   */
  #runShell(text: string): Promise<string> {
    if (/\bnpm start\b/.test(text)) throw new Error('`npm start` must stand in a block by itself');
    const commands = `npm() {
      if [ "$*" = test ]; then "${process.execPath}" "${root}/scripts/test.mjs" test/documentation/examples.test.ts
      else echo "npm $* is not known to the test of the documents" >&2; return 1; fi
    }
    npx() { "node_modules/.bin/$1" "\${@:2}"; }`;
    return this.#command('bash', ['-c', `set -euo pipefail\n${commands}\n${text}`]);
  }

  /** Resolves to its standard output. Rejects, with all that it printed, when it fails or takes too long. */
  async #command(command: string, args: readonly string[]): Promise<string> {
    const child = spawn(command, args, {
      cwd: this.#folder,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    let all = '';
    child.stdout.setEncoding('utf8').on('data', (data: string) => {
      output += data;
      all += data;
    });
    child.stderr.setEncoding('utf8').on('data', (data: string) => {
      all += data;
    });
    const group = child.pid as number;
    this.#groups.push(group);
    const timer = setTimeout(() => killGroup(group), blockTimeoutMs);
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    clearTimeout(timer);
    if (code !== 0) throw new Error(`it ended with ${code ?? signal} and printed:\n${all}`);
    return output;
  }
}

/** A program that runs until it is interrupted. */
class Background {
  output = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(args: readonly string[], options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }) {
    this.#child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = once(this.#child, 'close');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (data: string) => {
        this.output += data;
      });
    }
  }

  /** Resolves when the output is as wanted. Rejects when the program ends before, or takes too long. */
  async printed(isWanted: (output: string) => boolean): Promise<void> {
    const { stdout } = this.#child;
    const deadline = AbortSignal.timeout(blockTimeoutMs);
    while (!isWanted(this.output)) {
      const ended = this.#ended.then(() => 'ended' as const);
      const next = once(stdout as NodeJS.ReadableStream, 'data', { signal: deadline });
      if ((await Promise.race([next, ended])) === 'ended') throw new Error(`it ended and printed:\n${this.output}`);
    }
  }

  /** Ctrl-C, as it arrives under npm: from the terminal, and again from npm, which passes it on. It must end well. */
  async interrupt(): Promise<void> {
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), blockTimeoutMs);
    this.#child.kill('SIGINT');
    const again = setTimeout(() => this.#child.kill('SIGINT'), 20);
    await this.#ended;
    clearTimeout(again);
    clearTimeout(kill);
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== 0) throw new Error(`after Ctrl-C it ended with ${exitCode ?? signalCode}:\n${this.output}`);
  }
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    // Nobody of it is left, as it should be.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** How far to move the documented ports, so that all of them are free: people may have a cluster running on them. */
async function freePortOffset(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const offset = 16_000 + 50 * Math.floor(Math.random() * 200);
    const ports = documentedPorts.flatMap((first) =>
      Array.from({ length: portsPerRange }, (_, i) => first + offset + i),
    );
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return offset;
  }
  throw new Error('no free ports for the examples');
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    const listening = once(server, 'listening');
    server.listen(port, '127.0.0.1');
    await listening;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return false;
  } finally {
    server.close();
  }
}
