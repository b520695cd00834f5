/** `quorate check-history` as a real process: exit codes are verdicts, and nothing else may look like one. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../../packages/server/dist/cli/main.js', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'quorate-histories-'));
afterAll(() => rmSync(directory, { recursive: true }));

const event = (process: number, type: string, f: string, value: unknown) =>
  `${JSON.stringify({ process, type, f, key: 'k', value, time: 0 })}\n`;
const wrote = (value: number) => event(1, 'invoke', 'write', value) + event(1, 'ok', 'write', value);
const read = (value: number) => event(2, 'invoke', 'read', null) + event(2, 'ok', 'read', value);

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function checkHistory(args: readonly string[], input = ''): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, 'check-history', ...args]);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => {
    stdout += text;
  });
  child.stderr.on('data', (text: Buffer) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

test('a linearizable history ends with 0', async () => {
  const ended = await checkHistory([file('ok.jsonl', wrote(1) + read(1))]);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toBe('linearizable: 2 operations, 1 key, model cas-register, format jsonl\n');
});

test('a history that is not ends with 1 and says why', async () => {
  const ended = await checkHistory(['-'], wrote(1) + wrote(2) + read(1));
  expect(ended.code).toBe(1);
  expect(ended.stdout).toMatch(/^not-linearizable: 3 operations/);
  expect(ended.stdout).toContain(
    'process 2: read 1 (line 5 to line 6)\n  At its time the key could hold 2, but not 1.',
  );
  expect(ended.stderr).toBe('quorate: - is not linearizable\n');
});

test('--json is one line with verdict, counts and explanation', async () => {
  const { stdout, code } = await checkHistory(['-', '--json', '--model', 'register'], wrote(1) + read(2));
  expect(code).toBe(1);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  const expected = { verdict: 'not-linearizable', operations: 2, keys: 1, format: 'jsonl', model: 'register' };
  expect(JSON.parse(stdout)).toMatchObject({ ...expected, explanation: expect.stringContaining('read 2') });
});

test('a history that is too hard for the time ends with 2', async () => {
  const { code, stdout } = await checkHistory(['-', '--time-limit-ms', '1'], hard());
  expect(code).toBe(2);
  expect(stdout).toMatch(/^unknown: /);
  expect(stdout).toContain('the time limit is used up');
});

/** Comparisons of unknown outcome in any order, and a read of a value that two of them make only from each other's. */
function hard(): string {
  const cas = Array.from({ length: 80 }, (_, process) =>
    event(100 + process, 'invoke', 'cas', [(process * 7) % 11, (process * 5 + 3) % 11]),
  );
  const writes = Array.from({ length: 11 }, (_, value) => event(200 + value, 'invoke', 'write', value));
  const circle = event(300, 'invoke', 'cas', [50, 51]) + event(301, 'invoke', 'cas', [51, 50]);
  return writes.join('') + cas.join('') + circle + read(3) + read(50);
}

test.each<[string, readonly string[]]>([
  ['no file', []],
  ['two files', ['a', 'b']],
  ['an unknown flag', ['-', '--whatever']],
  ['an unknown model', ['-', '--model', 'queue']],
  ['an unknown format', ['-', '--format', 'xml']],
  ['a bad limit', ['-', '--time-limit-ms', '0']],
  ['a file that does not exist', [join(directory, 'missing.edn')]],
  ['a directory', [directory]],
  ['an empty file', [file('empty.jsonl', '')]],
  ['what is no text', [file('bytes.jsonl', Uint8Array.of(0x7b, 0xff, 0xfe))]],
  ['what is no history', [file('text.txt', 'good morning\n')]],
  ['a damaged history', [file('damaged.jsonl', `${wrote(1)}{"process":1`)]],
  ['an operation that the model does not have', [file('write.jsonl', wrote(1)), '--model', 'kv']],
])('%s ends with 64 and a sentence', async (_, args) => {
  const ended = await checkHistory(args);
  expect(ended.code).toBe(64);
  expect(ended.stdout).toBe('');
  expect(ended.stderr).toMatch(/^(quorate|error): [^\n]+\n/);
  expect(ended.stderr).not.toMatch(/\bat .*:\d+:\d+/);
});

test('the verdict stands when nobody reads what is printed', async () => {
  const path = file('long.jsonl', wrote(1) + wrote(2) + read(1));
  const child = spawn(process.execPath, [MAIN, 'check-history', path], { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.destroy();
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1);
});
