/** The lock on a data directory, between real processes: live, dead, and dead with their number in use again. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DirectoryLocked } from 'quorate/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockDirectory } from '../../../packages/quorate/src/node/storage/directory-lock.js';
import { currentProcess } from '../../../packages/quorate/src/node/storage/process-identity.js';
import { SmallFileSystems, whyNoSmallFileSystems } from '../../support/small-file-systems.js';
import type { Answer, Request } from './lock-holder.js';

const noSmallFileSystems = await whyNoSmallFileSystems();

const children: ChildProcess[] = [];
let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-lock-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) await end(child);
  await rm(directory, { recursive: true, force: true });
});

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** A process that waits for requests; `launcher` comes before node. */
async function startHolder(launcher: readonly string[] = []): Promise<ChildProcess> {
  const typescript = new URL('../../../scripts/typescript.mjs', import.meta.url).href;
  const path = fileURLToPath(new URL('lock-holder.ts', import.meta.url));
  const [execPath = '', ...execArgv] = [...launcher, process.execPath, '--import', typescript];
  const child = fork(path, { execPath, execArgv });
  children.push(child);
  await once(child, 'message');
  return child;
}

async function ask(child: ChildProcess, request: Request): Promise<Answer> {
  const answered = once(child, 'message');
  child.send(request);
  return (await answered)[0] as Answer;
}

const lockFiles = async () => (await readdir(directory)).sort();

/** As a holder would have left it that was not this process. */
async function leaveLock(generation: number, fields: Record<string, unknown>): Promise<void> {
  const holder = { ...(await currentProcess()), nonce: 'of another', ...fields };
  await writeFile(join(directory, `lock-${generation}`), JSON.stringify(holder));
}

describe('the lock of a data directory', () => {
  it('is refused to a second opening in the same process, until it is released', async () => {
    const lock = await lockDirectory(directory);
    await expect(lockDirectory(directory)).rejects.toBeInstanceOf(DirectoryLocked);
    await lock.release();
    await lock.release();
    const again = await lockDirectory(directory);
    // Released for good: this one is not its own any more.
    await lock.release();
    await expect(lockDirectory(directory)).rejects.toThrow(`process ${process.pid}`);
    await again.release();
    expect((await lockFiles()).length).toBe(1);
  });

  it('is refused while another process has it, and names that process', { timeout: 60_000 }, async () => {
    const holder = await startHolder();
    expect((await ask(holder, { kind: 'lock', path: directory })).result).toBe('locked');
    const error = await lockDirectory(directory).catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(DirectoryLocked);
    expect(error).toMatchObject({ message: expect.stringContaining(`process ${holder.pid}:`) });
    expect((await ask(holder, { kind: 'release' })).result).toBe('released');
    await (await lockDirectory(directory)).release();
  });

  it('is taken over from a process that was killed', { timeout: 60_000 }, async () => {
    const holder = await startHolder();
    expect((await ask(holder, { kind: 'lock', path: directory })).result).toBe('locked');
    await end(holder);
    await (await lockDirectory(directory)).release();
    expect((await lockFiles()).length).toBe(1);
  });

  it.runIf(platform() === 'linux')('is taken over when the process id belongs to a later process by now', async () => {
    await leaveLock(3, { startTime: '1' });
    await (await lockDirectory(directory)).release();
    expect(await lockFiles()).toEqual(['lock-4']);
  });

  it.runIf(platform() === 'linux')('is taken over when the system was started anew since', async () => {
    await leaveLock(1, { bootId: 'an earlier one' });
    await (await lockDirectory(directory)).release();
  });

  it('stays with a live process of which nothing but its id is known', async () => {
    await leaveLock(1, { startTime: null, bootId: null });
    await expect(lockDirectory(directory)).rejects.toBeInstanceOf(DirectoryLocked);
  });

  it.each(['', '{', 'null', '{"pid":-1,"nonce":"x"}'])(
    'is taken over when a loss of power left %j in it',
    async (text) => {
      await writeFile(join(directory, 'lock-2'), text);
      await (await lockDirectory(directory)).release();
      expect(await lockFiles()).toEqual(['lock-3']);
    },
  );

  it('goes by the newest holding, and clears what others left', async () => {
    await leaveLock(9, { pid: 2 ** 30 });
    await leaveLock(10, {});
    await writeFile(join(directory, 'lock-of-a-dead-one.tmp'), '');
    await expect(lockDirectory(directory)).rejects.toBeInstanceOf(DirectoryLocked);
    await leaveLock(10, { pid: 2 ** 30 });
    const lock = await lockDirectory(directory);
    expect(await lockFiles()).toEqual(['lock-11']);
    await lock.release();
    expect(await readFile(join(directory, 'lock-11'), 'utf8')).toBe('');
  });

  it.runIf(noSmallFileSystems === null)('is released although the disk is full', { timeout: 60_000 }, async () => {
    await using systems = await SmallFileSystems.mount(['full'], 64 * 1024);
    const holder = await startHolder(systems.launcher);
    const path = join(systems.directory, 'full');
    expect((await ask(holder, { kind: 'lock', path })).result).toBe('locked');
    await systems.leave('full', 0);
    expect(await ask(holder, { kind: 'release' })).toEqual({ result: 'released', message: '' });
    systems.resize('full', 128 * 1024);
    expect((await ask(holder, { kind: 'lock', path })).result).toBe('locked');
    // It sees the file systems for as long as it runs.
    await end(holder);
  });

  it('goes to one of many that find a dead holder at the same moment', { timeout: 120_000 }, async () => {
    const holders = await Promise.all(Array.from({ length: 4 }, () => startHolder()));
    for (let round = 1; round <= 60; round += 1) {
      const path = await mkdtemp(join(directory, 'round-'));
      await writeFile(
        join(path, 'lock-1'),
        JSON.stringify({ pid: 2 ** 30, startTime: null, bootId: null, nonce: 'dead' }),
      );
      const answers = await Promise.all(holders.map((holder) => ask(holder, { kind: 'lock', path })));
      const locked = answers.filter(({ result }) => result === 'locked');
      expect(locked.length, JSON.stringify(answers)).toBe(1);
      for (const { result, message } of answers) if (result === 'refused') expect(message).toContain('DirectoryLocked');
      const winner = holders[answers.findIndex(({ result }) => result === 'locked')] as ChildProcess;
      expect((await ask(winner, { kind: 'release' })).result).toBe('released');
    }
  });

  it('is held by one at a time when many take it and release it in one process', async () => {
    let held = 0;
    let taken = 0;
    const contender = async () => {
      for (let attempt = 0; attempt < 60; attempt += 1) {
        try {
          const lock = await lockDirectory(directory);
          held += 1;
          taken += 1;
          expect(held).toBe(1);
          await currentProcess();
          held -= 1;
          await lock.release();
        } catch (error) {
          if (!(error instanceof DirectoryLocked)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 6 }, contender));
    expect(taken).toBeGreaterThan(20);
    expect((await lockFiles()).length).toBe(1);
  });
});
