/** `quorate snapshot save` against servers that send half of a backup, a damaged one, or nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { verifySnapshot } from 'quorate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ProgressBar } from '../../../packages/server/src/cli/progress-bar.js';
import { saveBackup } from '../../../packages/server/src/cli/save-backup.js';
import { RaftGroup } from '../../support/raft-group.js';
import { eventually } from '../../support/wait.js';

const MAIN = fileURLToPath(new URL('../../../packages/server/dist/cli/main.js', import.meta.url));
const SIZE = 100_000;

let directory: string;
let file: string;
let server: Server;
let onRequest: (send: (bytes: Uint8Array) => void, cut: () => void) => void;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'quorate-save-'));
  file = join(directory, 'backup');
  server = createServer((request, response) => {
    if (request.url === '/readyz') {
      response.end('{}');
      return;
    }
    response.writeHead(200, { 'content-length': SIZE, 'quorate-index': 7, 'quorate-term': 2 });
    onRequest(
      (bytes) => response.write(bytes),
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});

function save(...args: string[]): { child: ChildProcess; ended: Promise<{ code: number | null; errors: string }> } {
  const { port } = server.address() as AddressInfo;
  const command = [MAIN, 'snapshot', 'save', file, '--endpoints', `http://127.0.0.1:${port}`, ...args];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => {
    errors += text;
  });
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, errors })) };
}

/** Resolves when half of the file is there, under another name. */
async function halfWritten(): Promise<void> {
  await eventually('half of it to be written', () =>
    readdirSync(directory).some((name) => statSync(join(directory, name)).size >= SIZE / 2),
  );
  expect(existsSync(file)).toBe(false);
}

describe('a save leaves no file', () => {
  test('when the server breaks off: exit code 5', async () => {
    onRequest = (send, cut) => {
      send(new Uint8Array(SIZE / 2));
      setTimeout(cut, 50);
    };
    const { code, errors } = await save().ended;
    expect(code, errors).toBe(5);
    expect(errors).toContain('the backup broke off');
    expect(readdirSync(directory)).toEqual([]);
  });

  test('when what came is not what was written: exit code 1', async () => {
    onRequest = (send) => send(new Uint8Array(SIZE));
    const { code, errors } = await save('--json').ended;
    expect(code).toBe(1);
    expect(JSON.parse(errors)).toMatchObject({ code: 'SnapshotDamaged' });
    expect(readdirSync(directory)).toEqual([]);
  });

  test('when it is told to stop in the middle', async () => {
    onRequest = (send) => send(new Uint8Array(SIZE / 2));
    const { child, ended } = save();
    await halfWritten();
    child.kill('SIGTERM');
    expect((await ended).code).toBe(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('of that name when it is killed in the middle, and the next save is not in its way', async () => {
    onRequest = (send) => send(new Uint8Array(SIZE / 2));
    const { child, ended } = save();
    await halfWritten();
    child.kill('SIGKILL');
    await ended;
    expect(existsSync(file)).toBe(false);
    expect(readdirSync(directory).every((name) => /^\.backup\..*\.part$/.test(name))).toBe(true);
    onRequest = (_, cut) => cut();
    expect((await save('--timeout-ms', '300').ended).code).toBe(5);
  });
});

async function* each<T>(all: readonly T[]): AsyncGenerator<T, void, void> {
  yield* all;
}

test('of those who save under one name at a time one has its file there, and the others are refused', async () => {
  await using group = await RaftGroup.start(1);
  const node = await group.leader();
  const taken = await node.openBackup();
  const pieces: Uint8Array[] = [];
  for await (const piece of taken.chunks()) pieces.push(piece);
  const backup = async () => ({ ...taken.position, bytes: taken.bytes, chunks: each(pieces) });
  for (let round = 0; round < 5; round += 1) {
    const path = join(directory, `together-${round}`);
    const saving = Array.from({ length: 8 }, () => saveBackup(path, { replace: false, backup, onProgress() {} }));
    const saved = await Promise.allSettled(saving);
    const refused = saved.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
    expect(refused, refused[0]).toHaveLength(7);
    for (const reason of refused) expect(reason).toContain('is there already');
    await verifySnapshot(path);
  }
  expect(readdirSync(directory)).toHaveLength(5);
});

test('a file that is there stays as it is, unless it is to be replaced, and then until there is another', async () => {
  writeFileSync(file, 'an older backup');
  onRequest = (send, cut) => {
    send(new Uint8Array(10));
    setTimeout(cut, 50);
  };
  expect((await save().ended).errors).toContain('is there already');
  expect((await save('--force').ended).code).toBe(5);
  expect(readFileSync(file, 'utf8')).toBe('an older backup');
});

test('progress is a bar on a terminal, and a plain line in a pipe', () => {
  const shown = (isTTY: boolean) => {
    const written: string[] = [];
    let now = 0;
    const bar = new ProgressBar({ isTTY, write: (text) => written.push(text) }, () => now);
    for (; now <= 2_000; now += 50) bar.update(now / 4_000, () => `${now} ms`);
    bar.clear();
    return written;
  };
  expect(shown(true)[1]).toBe('\r\x1b[K[##----------------------------]   5 %  200 ms');
  expect(shown(true).at(-1)).toBe('\r\x1b[K');
  expect(shown(false)).toEqual(['50 %: 2000 ms\n']);
});
