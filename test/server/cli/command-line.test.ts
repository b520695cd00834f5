/** The command as a real process against a real HTTP server: what it prints, and how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LeadershipLost, NoLeader, NotLeader } from 'quorate/errors';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { tokenAt } from '../support/fake-store.js';
import { type Served, serveFake } from '../support/http.js';

const MAIN = fileURLToPath(new URL('../../../packages/server/dist/cli/main.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'quorate-cli-'));
let served: Served;

beforeAll(async () => {
  served = await serveFake({ maxValueBytes: 10_000 });
});
afterEach(() => {
  served.store.before = () => {};
});
afterAll(async () => {
  await served.close();
  rmSync(directory, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

async function quorate(
  args: readonly string[],
  options: { readonly input?: string | Uint8Array; readonly env?: Record<string, string> } = {},
): Promise<Ended> {
  const env = { ...process.env, QUORATE_ENDPOINTS: served.url, ...options.env };
  const child: ChildProcess = spawn(process.execPath, [MAIN, ...args], { env });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk) => stdout.push(chunk));
  child.stderr?.on('data', (chunk) => stderr.push(chunk));
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input ?? '');
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
}

/** One line, and no stack. */
function expectSentence(text: string): void {
  expect(text).toMatch(/^quorate: [^\n]+\n$/);
  expect(text).not.toMatch(/\bat .*:\d+:\d+/);
}

test('a value written is read byte for byte; exit code 0', async () => {
  const input = Buffer.from([0, 255, 10, 13]);
  expect(await quorate(['put', 'bytes'], { input })).toMatchObject({ code: 0 });
  const read = await quorate(['get', 'bytes']);
  expect(read.code).toBe(0);
  expect(read.stdout.equals(input)).toBe(true);
  expect((await quorate(['put', 'dash', '--', '-5'])).code).toBe(0);
  expect((await quorate(['get', 'dash'])).stdout.toString()).toBe('-5');
  expect((await quorate(['put', 'empty', ''])).code).toBe(0);
  expect((await quorate(['get', 'empty'])).stdout).toHaveLength(0);
});

test('--json prints everything that is known, values as text or base64', async () => {
  const written = await quorate(['put', 'json', 'text', '--json']);
  const answer = JSON.parse(written.stdout.toString());
  expect(answer).toMatchObject({ key: 'json', index: expect.any(Number), token: expect.any(String) });
  expect(JSON.parse((await quorate(['get', 'json', '--json'])).stdout.toString())).toMatchObject({
    ...{ key: 'json', found: true, value: 'text', version: answer.version, level: 'linearizable', servedBy: 'n1' },
  });
  await quorate(['put', 'json'], { input: Buffer.from([255]) });
  expect(JSON.parse((await quorate(['get', 'json', '--json'])).stdout.toString())).toMatchObject({
    valueBase64: '/w==',
  });
  const missing = await quorate(['get', 'nothing', '--json']);
  expect(missing.code).toBe(3);
  expect(JSON.parse(missing.stdout.toString())).toMatchObject({ found: false });
});

test('watch prints changes as lines, or as JSON with their index, and ends after --limit', async () => {
  const { index } = await served.store.put('watched', Buffer.from('text'), {});
  await served.store.put('watched', Buffer.from([0, 255]), {});
  await served.store.delete('watched', {});
  const lines = await quorate(['watch', 'watched', '--from', String(index), '--limit', '3']);
  expect(lines).toMatchObject({ code: 0, stderr: '' });
  expect(lines.stdout.toString()).toBe('put\twatched\ttext\nput\twatched\tbase64:AP8=\ndelete\twatched\n');
  const json = await quorate(['watch', 'watched', '--from', String(index), '--limit', '1', '--json']);
  expect(
    json.stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { kind: 'progress', index: index - 1, token: tokenAt(index - 1) },
    {
      ...{ kind: 'change', index, term: 7, token: tokenAt(index) },
      changes: [{ kind: 'put', key: 'watched', value: 'text', version: index }],
    },
  ]);
  const foreign = await quorate(['watch', '--from', String(index), '--token', tokenAt(index, 'other'), '--json']);
  expect(foreign.code).toBe(1);
  expect(JSON.parse(foreign.stderr)).toMatchObject({ code: 'TokenMismatch' });
  const future = await quorate(['watch', '--from', '0']);
  expect(future.code).toBe(2);
});

test('a missing key: exit code 3, one sentence, nothing on standard output', async () => {
  for (const command of ['get', 'delete']) {
    const ended = await quorate([command, 'missing']);
    expect(ended).toMatchObject({ code: 3 });
    expect(ended.stdout).toHaveLength(0);
    expectSentence(ended.stderr);
  }
});

test('a condition that does not hold: exit code 4', async () => {
  await quorate(['put', 'cas', 'a']);
  for (const args of [
    ['put', 'cas', 'b', '--if-version', '0'],
    ['delete', 'cas', '--if-term', '3'],
  ]) {
    const ended = await quorate(args);
    expect(ended.code).toBe(4);
    expectSentence(ended.stderr);
  }
  expect((await quorate(['get', 'cas'])).stdout.toString()).toBe('a');
});

test('a write with a key of its own is applied once; another one with that key fails', async () => {
  const write = (value: string) => quorate(['put', 'once', value, '--idempotency-key', 'order-17', '--json']);
  const first = await write('a');
  expect(first.code).toBe(0);
  await quorate(['put', 'once', 'b']);
  expect((await write('a')).stdout.toString()).toBe(first.stdout.toString());
  const other = await write('c');
  expect(other.code).toBe(1);
  expect(JSON.parse(other.stderr)).toMatchObject({ code: 'IdempotencyKeyReused', outcome: 'not-applied' });
  expect((await quorate(['get', 'once'])).stdout.toString()).toBe('b');
});

test('a transaction from a file or a pipe; exit code 4 when a condition does not hold', async () => {
  const file = join(directory, 'transaction.json');
  const transaction = {
    conditions: [{ key: 't/a', version: 0 }],
    operations: [{ put: { key: 't/a', value: 'x' } }, { put: { key: 't/b', valueBase64: 'AP8=' } }],
  };
  writeFileSync(file, JSON.stringify(transaction));
  const done = await quorate(['txn', file, '--json']);
  expect(done.code).toBe(0);
  const { index, results } = JSON.parse(done.stdout.toString());
  expect(results).toEqual([{ version: index }, { version: index }]);
  expect([...(await quorate(['get', 't/b'])).stdout]).toEqual([0, 255]);
  const failed = await quorate(['txn', '-'], { input: JSON.stringify(transaction) });
  expect(failed.code).toBe(4);
  expectSentence(failed.stderr);
  expect(failed.stderr).toContain('conditions[0]');
  const wrong = await quorate(['txn', '-'], { input: '{"operations":[{}]}' });
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('operations[0]');
  const missing = await quorate(['txn', join(directory, 'nothing.json')]);
  expect(missing.code).toBe(1);
  expectSentence(missing.stderr);
});

test('nobody answers, or no leader: exit code 5', async () => {
  const env = { QUORATE_ENDPOINTS: 'http://127.0.0.1:1', QUORATE_TIMEOUT_MS: '200' };
  for (const args of [['get', 'k'], ['put', 'k', 'v'], ['status'], ['list']]) {
    expect((await quorate(args, { env })).code).toBe(5);
  }
  served.store.before = () => {
    throw new NoLeader({ outcome: 'not-applied' });
  };
  const ended = await quorate(['put', 'k', 'v', '--timeout-ms', '200']);
  expect(ended.code).toBe(5);
  expectSentence(ended.stderr);
});

test('an unknown outcome: exit code 6, and it says so', async () => {
  served.store.before = (name) => {
    if (name === 'put') throw new LeadershipLost({ outcome: 'unknown' });
  };
  const ended = await quorate(['put', 'k', 'v', '--timeout-ms', '300']);
  expect(ended.code).toBe(6);
  expect(ended.stderr).toContain('not known');
  const json = await quorate(['put', 'k', 'v', '--json', '--timeout-ms', '300']);
  expect(JSON.parse(json.stderr)).toMatchObject({ code: 'LeadershipLost', outcome: 'unknown' });
});

test.each([
  [['frobnicate']],
  [[]],
  [['get']],
  [['get', 'a', 'b']],
  [['get', 'k', '--level', 'strong']],
  [['get', 'k', '--frob']],
  [['get', 'k', '--timeout-ms', 'soon']],
  [['put', 'k', 'v', '--if-version', '-1']],
  [['get', 'k'.repeat(1_025)]],
  [['get', 'k', '--endpoints', 'nonsense']],
  [['get', 'k', '--level', 'session']],
  [['serve', '--id', 'n1']],
  [['cluster', '--nodes', '0']],
])('wrong usage is exit code 2: %j', async (args) => {
  const ended = await quorate(args);
  expect(ended.code).toBe(2);
  expect(ended.stderr).not.toMatch(/\bat .*:\d+:\d+/);
});

test('an environment variable stands for its flag, and the flag wins', async () => {
  const env = { QUORATE_LEVEL: 'nonsense' };
  expect((await quorate(['get', 'k'], { env })).code).toBe(2);
  expect((await quorate(['get', 'missing', '--level', 'local'], { env: { QUORATE_LEVEL: 'local' } })).code).toBe(3);
  expect(served.store.calls.at(-1)?.options).toMatchObject({ level: 'local' });
  const json = await quorate(['get', 'missing'], { env: { QUORATE_JSON: '1' } });
  expect(JSON.parse(json.stdout.toString())).toMatchObject({ found: false });
  expect((await quorate(['get', 'missing'], { env: { QUORATE_JSON: '0' } })).stdout).toHaveLength(0);
});

test('list, export and import: what goes out comes back exactly', async () => {
  await quorate(['put', 'x/a', 'one']);
  await quorate(['put', 'x/b'], { input: Buffer.from([0, 200]) });
  await quorate(['put', 'x/c\n', '\u2028"']);
  const listed = await quorate(['list', 'x/']);
  expect(listed.stdout.toString()).toBe('x/a\tone\nx/b\tbase64:AMg=\n"x/c\\n"\t"\u2028\\""\n');
  expect((await quorate(['list', 'x/', '--limit', '1', '--keys-only'])).stdout.toString()).toBe('x/a\n');
  expect((await quorate(['list', 'x/', '--start', 'x/b', '--keys-only', '--limit', '1'])).stdout.toString()).toBe(
    'x/b\n',
  );
  const exported = (await quorate(['export', 'x/'])).stdout;
  const before = ['x/a', 'x/b', 'x/c\n'].map((key) => served.store.state.get(key)?.value);
  for (const key of ['x/a', 'x/b', 'x/c\n']) served.store.state.delete(key);
  const imported = await quorate(['import', '-'], { input: exported });
  expect(imported).toMatchObject({ code: 0 });
  expect(imported.stdout.toString()).toMatch(/^imported 3 keys in \d+\.\d s \(\d+\/s\), 0 errors\n$/);
  expect(['x/a', 'x/b', 'x/c\n'].map((key) => Buffer.from(served.store.state.get(key)?.value ?? []))).toEqual(
    before.map((value) => Buffer.from(value ?? [])),
  );
});

test('an import with bad lines writes the good ones, names the bad ones, and ends with 1', async () => {
  const file = join(directory, 'bad.ndjson');
  const lines = ['{"key":"i1","value":"a"}', 'what?', '{"key":"i2"}', '', '{"key":"i3","value":"c"}'];
  const tooLarge = JSON.stringify({ key: 'i4', value: 'x'.repeat(10_001) });
  writeFileSync(file, [...lines, tooLarge].join('\n'));
  const ended = await quorate(['import', file]);
  expect(ended.code).toBe(1);
  expect(ended.stdout.toString()).toMatch(/^imported 2 keys in .*, 3 errors\n$/);
  for (const message of [
    'line 2: the line is not JSON',
    'line 3: exactly one',
    'line 6: the value must be at most 10000',
  ]) {
    expect(ended.stderr).toContain(message);
  }
  expect(ended.stderr).toContain('quorate: 3 lines were not imported\n');
  expect(['i1', 'i2', 'i3', 'i4'].map((key) => served.store.state.has(key))).toEqual([true, false, true, false]);
  const json = await quorate(['import', file, '--json']);
  expect(JSON.parse(json.stdout.toString())).toMatchObject({ imported: 2, errors: 3, blank: 1 });
});

test('an import into a cluster that does not answer ends with 5 and says where', async () => {
  const env = { QUORATE_ENDPOINTS: 'http://127.0.0.1:1', QUORATE_TIMEOUT_MS: '100' };
  const ended = await quorate(['import', '-'], { env, input: '{"key":"i1","value":"a"}\n{"key":"i2","value":"a"}' });
  expect(ended.code).toBe(5);
  expect(ended.stderr).toContain('line 1: no answer from http://127.0.0.1:1');
  expect(ended.stderr).toContain('the import ended early');
});

test.each([[[join(directory, 'missing.ndjson')]], [[directory]]])(
  'an import that cannot read its file: 1',
  async (args) => {
    const ended = await quorate(['import', ...args]);
    expect(ended.code).toBe(1);
    expectSentence(ended.stderr);
  },
);

test('status is a table of all servers, those that do not answer included', async () => {
  const ended = await quorate(['status', '--endpoints', `${served.url},http://127.0.0.1:1`]);
  expect(ended.code).toBe(0);
  const [head, first, second] = ended.stdout.toString().split('\n');
  expect(head).toMatch(/^endpoint +id +role +term +leader +commit +applied +last +lag +disk$/);
  expect(first).toMatch(/^http:\S+ +n1 +leader +7 +n1 /);
  expect(second).toMatch(/^http:\/\/127\.0\.0\.1:1 +no answer/);
  const json = JSON.parse((await quorate(['status', '--json'])).stdout.toString());
  expect(json).toMatchObject([{ endpoint: served.url, status: { id: 'n1' }, error: null }]);
});

test('transfer hands over, or says that it could not', async () => {
  expect((await quorate(['transfer', 'n2'])).code).toBe(0);
  served.store.before = () => {
    throw new NotLeader({ outcome: 'not-applied' });
  };
  expect((await quorate(['transfer', '--timeout-ms', '100'])).code).toBe(5);
});

test('what is not there yet says so', async () => {
  const ended = await quorate(['members', 'list', '--whatever']);
  expect(ended.code).toBe(1);
  expectSentence(ended.stderr);
  const lease = await quorate(['get', 'k', '--level', 'lease']);
  expect(lease.code).toBe(1);
});

test('--version and --help', async () => {
  expect((await quorate(['--version'])).stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
  const help = await quorate(['--help']);
  expect(help.code).toBe(0);
  for (const word of ['cluster', 'serve', 'import', 'Exit codes', 'quorate put greeting']) {
    expect(help.stdout.toString()).toContain(word);
  }
  expect((await quorate(['get', '--help'])).stdout.toString()).toContain('QUORATE_LEVEL');
});

test('a reader that has enough is no failure', async () => {
  for (let at = 0; at < 3_000; at += 1) await served.store.put(`many/${at}`, Buffer.alloc(100, 'x'), {});
  const child = spawn(process.execPath, [MAIN, 'list', 'many/'], {
    env: { ...process.env, QUORATE_ENDPOINTS: served.url },
  });
  const stderr: Buffer[] = [];
  child.stderr.on('data', (chunk) => stderr.push(chunk));
  child.stdout.once('data', () => child.stdout.destroy());
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
  expect(Buffer.concat(stderr).toString()).toBe('');
});

const peers = 'n1=127.0.0.1:1,n2=127.0.0.1:2';

test.each([
  [
    'a peer list without the node itself',
    ['--id', 'n9', '--peers', peers],
    /--peers does not name n9: add n9=HOST:PORT/,
  ],
  ['a peer list that is none', ['--id', 'n1', '--peers', 'n1:4'], /--peers must be n1=HOST:PORT/],
  ['a peer named twice', ['--id', 'n1', '--peers', 'n1=a:1,n1=a:2'], /with every name once/],
  ['a peer without a port', ['--id', 'n1', '--peers', 'n1=localhost'], /HOST:PORT/],
  [
    'another peer address than the list',
    ['--id', 'n1', '--peers', peers, '--peer-advertise', 'a:1'],
    /make them the same/,
  ],
  ['a listen address that is none', ['--id', 'n1', '--peers', peers, '--listen', '4001'], /HOST:PORT/],
])('serve with %s: exit code 1 and one sentence', async (_, args, message) => {
  const ended = await quorate(['serve', '--data-dir', join(directory, 'serve'), ...args]);
  expect(ended.code).toBe(1);
  expectSentence(ended.stderr);
  expect(ended.stderr).toMatch(message);
});

test('serve and cluster on an occupied port: exit code 1 and one sentence, and nothing is started', async () => {
  const occupant = createServer();
  await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve));
  const { port } = occupant.address() as { port: number };
  const dataDir = join(directory, 'occupied');
  const serve = await quorate([
    'serve',
    '--id',
    'n1',
    '--peers',
    peers,
    '--data-dir',
    dataDir,
    '--listen',
    `127.0.0.1:${port}`,
  ]);
  expect(serve.code).toBe(1);
  expectSentence(serve.stderr);
  expect(serve.stderr).toContain(`127.0.0.1:${port} is in use`);
  const first = Math.min(port, 64_000);
  const flags = port <= 64_000 ? ['--port', `${first}`] : ['--port', `${port - 1_000}`];
  const cluster = await quorate(['cluster', '--data-dir', dataDir, ...flags]);
  expect(cluster.code).toBe(1);
  expectSentence(cluster.stderr);
  expect(cluster.stderr).toMatch(/port \d+ cannot be used \(EADDRINUSE\)/);
  await new Promise((resolve) => occupant.close(resolve));
});
