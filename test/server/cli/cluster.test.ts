/**
 * `quorate cluster` and `quorate serve` as real processes: start, kill, restart by the printed line, stop, start
 * again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'quorate/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePorts, isFree } from '../support/ports.js';

const MAIN = fileURLToPath(new URL('../../../packages/server/dist/cli/main.js', import.meta.url));
let directory: string;
let running: Running[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quorate cluster '));
});
afterEach(async () => {
  for (const each of running) each.child.kill('SIGKILL');
  await Promise.all(running.map((each) => each.closed));
  running = [];
  rmSync(directory, { recursive: true });
});

/** A process with its output, and a way to wait for a part of it. */
class Running {
  readonly child: ChildProcess;
  readonly closed: Promise<number | null>;
  stdout = '';
  stderr = '';
  #changed: () => void = () => {};

  constructor(command: string, args: readonly string[]) {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QUORATE_')));
    this.child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk) => {
      this.stdout += chunk;
      this.#changed();
    });
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.closed = once(this.child, 'close').then(([code]) => {
      this.#changed();
      return code as number | null;
    });
    running.push(this);
  }

  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match !== null) return match;
      if (this.child.exitCode !== null)
        throw new Error(`ended without printing ${pattern}: ${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

function startCluster(port: number): Running {
  return new Running(process.execPath, [MAIN, 'cluster', '--port', `${port}`, '--data-dir', join(directory, 'data')]);
}

const READY = /Ctrl-C stops all of them/;

/** The line that is printed for a node. */
function serveLine(cluster: Running, id: string): string {
  const line = new RegExp(`^${id} .*\\n +(.*serve.*)$`, 'm').exec(cluster.stdout)?.[1];
  if (line === undefined) throw new Error(`no line for ${id} in ${cluster.stdout}`);
  return line;
}

/** The process id that is printed for a node. */
function processId(cluster: Running, id: string): number {
  return Number(new RegExp(`^${id} .*\\(process (\\d+)\\)$`, 'm').exec(cluster.stdout)?.[1]);
}

test('a cluster survives its leader, takes it back by the printed line, stops, and finds its data again', async () => {
  const port = await freePorts(3);
  const urls = [0, 1, 2].map((at) => `http://127.0.0.1:${port + at}`);
  const cluster = startCluster(port);
  await cluster.prints(READY);
  expect(cluster.stdout.match(/ leader {2}\(process \d+\)$/gm)).toHaveLength(1);
  expect(cluster.stdout.match(/ follower {2}\(process \d+\)$/gm)).toHaveLength(2);

  const client = new Client({ endpoints: urls, timeoutMs: 20_000 });
  await client.put('k', 'one');
  const { leader } = await client.status();
  const id = leader?.id as string;
  process.kill(processId(cluster, id), 'SIGKILL');
  await cluster.prints(new RegExp(`${id} has ended with signal SIGKILL[^]*It is not started again`));
  await client.put('k', 'two');
  for (let at = 0; at < 6; at += 1)
    expect(Buffer.from((await client.get('k')).value?.value ?? []).toString()).toBe('two');

  const restarted = new Running('/bin/sh', ['-c', `exec ${serveLine(cluster, id)}`]);
  await restarted.prints(new RegExp(`quorate ${id} listens on`));
  const own = new Client({ endpoints: [urls[Number(id.slice(1)) - 1] as string], timeoutMs: 20_000 });
  expect(await own.get('k')).toMatchObject({ servedBy: id, role: 'follower' });
  expect(Buffer.from((await own.get('k')).value?.value ?? []).toString()).toBe('two');
  own.close();
  client.close();

  cluster.child.kill('SIGINT');
  expect(await cluster.closed).toBe(0);
  expect(cluster.stdout).toContain('all servers have stopped');
  restarted.child.kill('SIGTERM');
  expect(await restarted.closed).toBe(0);

  const again = startCluster(port);
  await again.prints(READY);
  const reader = new Client({ endpoints: urls, timeoutMs: 20_000 });
  for (let at = 0; at < 3; at += 1)
    expect(Buffer.from((await reader.get('k')).value?.value ?? []).toString()).toBe('two');
  reader.close();
  again.child.kill('SIGTERM');
  expect(await again.closed).toBe(0);
});

test('servers end when the process that started them is killed', async () => {
  const port = await freePorts(3);
  const cluster = startCluster(port);
  await cluster.prints(READY);
  const processes = ['n1', 'n2', 'n3'].map((id) => processId(cluster, id));
  expect(processes.filter(isRunning)).toHaveLength(3);
  cluster.child.kill('SIGKILL');
  await cluster.closed;
  await expect.poll(() => processes.filter(isRunning), { timeout: 15_000, interval: 100 }).toEqual([]);
});

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

test('on an occupied port nothing is started', async () => {
  const port = await freePorts(3);
  const occupant = createServer();
  await new Promise<void>((resolve) => occupant.listen(port + 1_002, '127.0.0.1', resolve));
  const cluster = startCluster(port);
  expect(await cluster.closed).toBe(1);
  expect(cluster.stdout).toBe('');
  expect(cluster.stderr).toMatch(/^quorate: port \d+ cannot be used \(EADDRINUSE\)[^\n]*\n$/);
  expect(cluster.stderr).toContain(`port ${port + 1_002} `);
  expect(existsSync(join(directory, 'data'))).toBe(false);
  await new Promise((resolve) => occupant.close(resolve));
});

test.each(['a file', '/proc/none'])(
  'a data directory that cannot be made is refused with one sentence: %s',
  async (where) => {
    const dataDir = where === 'a file' ? join(directory, 'file') : where;
    writeFileSync(join(directory, 'file'), 'not a directory');
    const flags = ['--port', `${await freePorts(3)}`, '--data-dir', dataDir];
    const cluster = new Running(process.execPath, [MAIN, 'cluster', ...flags]);
    expect(await cluster.closed).toBe(1);
    expect(cluster.stderr).toMatch(/^quorate: the directory [^\n]+ cannot be written[^\n]*--data-dir\n$/);
    expect(cluster.stderr).toContain(dataDir);
  },
);

test('when one server cannot start, all end, and its sentence is told', async () => {
  const dataDir = join(directory, 'data');
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, 'n2'), 'not a directory');
  const port = await freePorts(3);
  const cluster = startCluster(port);
  expect(await cluster.closed).toBe(1);
  expect(cluster.stdout).toBe('');
  expect(cluster.stderr).toMatch(
    /^quorate: n2 has ended with exit code 1: the directory [^\n]+n2[^\n]* cannot be written[^\n]+\n$/,
  );
  expect(await Promise.all([0, 1, 2].map((at) => isFree(port + at)))).toEqual([true, true, true]);
});

function serve(id: string, port: number, flags: readonly string[] = []): Running {
  const address = `127.0.0.1:${port + 1_000}`;
  const where = ['--data-dir', join(directory, 'one'), '--listen', `127.0.0.1:${port}`, '--peers', `${id}=${address}`];
  return new Running(process.execPath, [MAIN, 'serve', '--id', id, ...where, ...flags]);
}

test('a server alone: one line on standard output, JSON on standard error, and it stops at a signal', async () => {
  const port = await freePorts(1);
  const server = serve('n1', port);
  await server.prints(/listens on/);
  const client = new Client({ endpoints: [`http://127.0.0.1:${port}`] });
  await client.put('k', 'v');
  client.close();
  server.child.kill('SIGTERM');
  expect(await server.closed).toBe(0);
  expect(server.stdout).toMatch(/^quorate n1 listens on http:\/\/127\.0\.0\.1:\d+ \([^\n]*\)\n$/);
  for (const line of server.stderr.trimEnd().split('\n')) expect(JSON.parse(line)).toMatchObject({ id: 'n1' });
});

test.each([
  ['a directory of another node', 'n2', [], /n1/],
  ['a directory of another cluster', 'n1', ['--cluster', 'other'], /quorate|other/],
])('%s is refused with one sentence', async (_, id, flags, message) => {
  const port = await freePorts(1);
  const first = serve('n1', port);
  await first.prints(/listens on/);
  const client = new Client({ endpoints: [`http://127.0.0.1:${port}`] });
  await client.put('k', 'v');
  client.close();
  first.child.kill('SIGTERM');
  await first.closed;
  const second = serve(id, port, flags);
  expect(await second.closed).toBe(1);
  expect(second.stdout).toBe('');
  const sentences = second.stderr.split('\n').filter((line) => !line.startsWith('{'));
  expect(sentences).toEqual([expect.stringMatching(/^quorate: /), '']);
  expect(sentences[0]).toMatch(message);
});

test('two servers on one directory, and one on a taken port: refused with one sentence', async () => {
  const port = await freePorts(2);
  const first = serve('n1', port);
  await first.prints(/listens on/);
  const second = serve('n1', port + 1);
  expect(await second.closed).toBe(1);
  expect(second.stderr).toMatch(/quorate: [^\n]+\n$/);
  const third = serve('n1', port);
  expect(await third.closed).toBe(1);
  expect(third.stderr).toMatch(/^quorate: the address 127\.0\.0\.1:\d+ is in use[^\n]*\n$/);
});

test('a directory that is a file is refused with one sentence that names it', async () => {
  writeFileSync(join(directory, 'one'), 'a file');
  const server = serve('n1', await freePorts(1));
  expect(await server.closed).toBe(1);
  expect(server.stderr).toMatch(/^quorate: [^\n]+\n$/);
  expect(server.stderr).toContain(join(directory, 'one'));
});
