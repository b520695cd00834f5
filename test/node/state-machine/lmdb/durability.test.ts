/** Which state on disk is kept and which is discarded: never one that may be torn, always one that cannot be. */
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/quorate/src/node/clock.js';
import type { DiskFile } from '../../../../packages/quorate/src/node/storage/disk.js';
import { NodeDisk } from '../../../../packages/quorate/src/node/storage/node-disk.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { leaveAsIs } from '../../../support/state-machine/crashes.js';
import { type Machine, openMachine, temporaryDirectory } from '../../../support/state-machine/lmdb-machines.js';
import { applyAll, type Command, contents } from '../../../support/state-machine/table-application.js';
import { eventually } from '../../../support/wait.js';

const set = (key: string, value = key): Command => ({ kind: 'set', key, value });

/** What a killed process leaves, in a directory of its own. */
async function killed(machine: Machine, path: string): Promise<string> {
  const left = join(await temporaryDirectory(), 'left');
  leaveAsIs(path, left);
  await machine.close();
  return left;
}

/** Remembers what is logged from `warn` on. */
function rememberingLogger() {
  const lines: { readonly level: string; readonly message: string; readonly fields: Record<string, unknown> }[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...fields } });
  };
  return { lines, logger: { debug() {}, info() {}, warn: at('warn'), error: at('error') } };
}

/** Syncs of the state's file, and of nothing else, fail or wait while the test says so. */
class FaultyDisk extends NodeDisk {
  fault: Error | null = null;
  syncs = 0;
  /** What fails beside the state's file: its marks, or whatever else changes the directory, too. */
  reach: 'file' | 'marks' | 'everything' = 'file';

  override async open(path: string, mode: 'create' | 'open' | 'read'): Promise<DiskFile> {
    const file = await super.open(path, mode);
    const { sync } = file;
    const isState = path.endsWith('.mdb');
    file.sync = async () => {
      if (isState) this.syncs += 1;
      if (this.fault !== null && (isState || this.reach !== 'file')) throw this.fault;
      await sync.apply(file);
    };
    return file;
  }

  override async remove(path: string): Promise<void> {
    if (this.fault !== null && this.reach === 'everything') throw this.fault;
    await super.remove(path);
  }
}

describe('a state that was closed', () => {
  it.each([
    ['in the same boot', 'this boot'],
    ['in another boot', 'the next boot'],
    ['in a boot that is not known', null],
  ])('is kept %s', async (_, bootId) => {
    const path = await temporaryDirectory();
    const first = await openMachine({ path });
    applyAll(first, [set('a'), null]);
    const expected = first.read(contents);
    await first.close();
    const second = await openMachine({ path, bootId });
    expect(second.read(contents)).toEqual(expected);
    expect([second.appliedIndex, second.appliedTerm]).toEqual([2, 1]);
    applyAll(second, [set('b')]);
    expect(second.read(contents)).toHaveLength(4);
  });

  it('is not trusted for it any more once it was opened again', async () => {
    const path = await temporaryDirectory();
    const first = await openMachine({ path });
    applyAll(first, [set('a')]);
    await first.close();
    const left = await killed(await openMachine({ path }), path);
    expect((await openMachine({ path: left, bootId: 'the next boot' })).appliedIndex).toBe(0);
  });
});

describe('a state that was not closed', () => {
  it('is kept in the same boot', async () => {
    const path = await temporaryDirectory();
    const machine = await openMachine({ path });
    applyAll(machine, [set('a'), set('b')], 1);
    const expected = machine.read(contents);
    const after = await openMachine({ path: await killed(machine, path) });
    expect(after.read(contents)).toEqual(expected);
    expect(after.appliedIndex).toBe(2);
  });

  it.each([
    ['in another boot', 'this boot', 'the next boot', 'has been started since'],
    ['when this boot is not known', 'this boot', null, 'it is not known whether'],
    ['when neither boot is known', null, null, 'it is not known whether'],
  ])('is discarded %s, and the logger is told why', async (_, before, now, reason) => {
    const path = await temporaryDirectory();
    const machine = await openMachine({ path, bootId: before });
    applyAll(machine, [set('a')]);
    const left = await killed(machine, path);
    const { lines, logger } = rememberingLogger();
    const after = await openMachine({ path: left, bootId: now, logger });
    expect([after.appliedIndex, after.appliedTerm]).toEqual([0, 0]);
    expect(after.read(contents)).toEqual([]);
    expect(lines).toMatchObject([{ level: 'warn', fields: { reason: expect.stringContaining(reason) } }]);
    expect((await readdir(left)).filter((name) => /^state-.*mdb$/.test(name))).toEqual(['state-2.mdb']);
    applyAll(after, [set('rebuilt')]);
    await after.close();
    expect((await openMachine({ path: left })).read(contents)).toHaveLength(2);
  });

  it('is discarded when its mark cannot be read', async () => {
    const path = await temporaryDirectory();
    const machine = await openMachine({ path });
    applyAll(machine, [set('a')]);
    await machine.close();
    const mark = join(path, 'current');
    const text = await readFile(mark, 'utf8');
    for (const damaged of ['', text.slice(0, -3), text.replace('"generation":1', '"generation":2')]) {
      await writeFile(mark, damaged);
      const after = await openMachine({ path });
      expect(after.appliedIndex).toBe(0);
      await after.close();
    }
  });
});

describe('the directory of a state', () => {
  it('of a later format is refused with a sentence that says what to do', async () => {
    const path = await temporaryDirectory();
    await (await openMachine({ path })).close();
    const { crc32 } = await import('node:zlib');
    const text = 'quorate state 2\n{}\n';
    await writeFile(join(path, 'current'), `${text}crc32 ${crc32(text).toString(16).padStart(8, '0')}\n`);
    await expect(openMachine({ path })).rejects.toMatchObject({
      code: 'UnknownFormat',
      message: expect.stringContaining('has format 2 and this release reads format 1: start the release'),
    });
  });

  it('belongs to one process, and one state machine in it', async () => {
    const path = await temporaryDirectory();
    const machine = await openMachine({ path });
    await expect(openMachine({ path })).rejects.toMatchObject({ code: 'DirectoryLocked' });
    await machine.close();
    expect((await openMachine({ path })).appliedIndex).toBe(0);
  });

  it('that cannot be one is refused with DiskFailed, and nothing stays locked', async () => {
    const path = join(await temporaryDirectory(), 'file');
    await writeFile(path, '');
    await expect(openMachine({ path })).rejects.toMatchObject({ code: 'DiskFailed' });
    const broken = await temporaryDirectory();
    await (await openMachine({ path: broken })).close();
    await writeFile(join(broken, 'state-1.mdb'), 'this is no LMDB file'.repeat(1_000));
    for (let i = 0; i < 2; i += 1) {
      const error = { code: 'DiskFailed', message: expect.stringContaining('remove the directory') };
      await expect(openMachine({ path: broken })).rejects.toMatchObject(error);
    }
  });

  it('without its LMDB file is an empty state', async () => {
    const path = await temporaryDirectory();
    const machine = await openMachine({ path });
    applyAll(machine, [set('a')]);
    const left = await killed(machine, path);
    const { rm } = await import('node:fs/promises');
    await rm(join(left, 'state-1.mdb'));
    const after = await openMachine({ path: left });
    expect(after.appliedIndex).toBe(0);
    applyAll(after, [set('a')]);
  });
});

describe('the file of a state', () => {
  it('is synced every ten seconds when something was applied, on demand, and at the end', async () => {
    const clock = new ManualClock();
    const disk = new FaultyDisk();
    const timers = { ...systemClock, setTimer: clock.setTimer.bind(clock) };
    const machine = await openMachine({ path: await temporaryDirectory(), disk, clock: timers });
    const synced = (count: number) => eventually(`sync ${count}`, () => disk.syncs === count && clock.timers === 1);
    clock.advance(10_000);
    await synced(1);
    clock.advance(10_000);
    await eventually('the next timer', () => clock.timers === 1);
    expect(disk.syncs).toBe(1);
    applyAll(machine, [set('a')]);
    clock.advance(9_999);
    expect(disk.syncs).toBe(1);
    clock.advance(1);
    await synced(2);
    applyAll(machine, [set('b')]);
    await Promise.all([machine.sync(), machine.sync()]);
    expect(disk.syncs).toBe(3);
    await machine.close();
    expect(disk.syncs).toBe(4);
    expect(clock.timers).toBe(0);
  });

  it.each(['file', 'marks', 'everything'] as const)(
    'that cannot be synced ends the state, which is discarded (what fails: %s)',
    async (reach) => {
      const path = await temporaryDirectory();
      const disk = new FaultyDisk();
      const { lines, logger } = rememberingLogger();
      const machine = await openMachine({ path, disk, logger });
      applyAll(machine, [set('a')]);
      const view = machine.view();
      disk.fault = new Error('EIO: i/o error, fsync');
      disk.reach = reach;
      await expect(machine.sync()).rejects.toMatchObject({
        code: 'DiskFailed',
        message: expect.stringContaining('EIO'),
      });
      expect(() => applyAll(machine, [set('b')])).toThrow('could not be synced (EIO');
      expect(() => machine.read(contents)).toThrow('could not be synced (EIO');
      await expect(machine.sync()).rejects.toThrow('could not be synced (EIO');
      view.release();
      const errors = () => lines.filter(({ level }) => level === 'error').length;
      await eventually('the words of the logger', () => errors() === (reach === 'everything' ? 2 : 1));
      await machine.close();
      disk.fault = null;
      // A disk that takes nothing at all keeps what it had: the words of the logger are all there is.
      if (reach === 'everything') expect(lines.at(-1)?.message).toContain(`remove ${path}`);
      else expect((await openMachine({ path })).appliedIndex).toBe(0);
    },
  );

  it('is said to have failed when a sync fails that nobody asked for', async () => {
    const clock = new ManualClock();
    const disk = new FaultyDisk();
    const timers = { ...systemClock, setTimer: clock.setTimer.bind(clock) };
    const path = await temporaryDirectory();
    const machine = await openMachine({ path, disk, clock: timers });
    applyAll(machine, [set('a')]);
    disk.fault = new Error('EIO: i/o error, fsync');
    expect(machine.failed.aborted).toBe(false);
    clock.advance(10_000);
    await once(machine.failed, 'abort');
    expect(machine.failed.reason).toMatchObject({ code: 'DiskFailed', message: expect.stringContaining('(EIO') });
    // What has failed is not synced again.
    expect(clock.timers).toBe(0);
    await machine.close();
    expect(await readFile(join(path, 'current'), 'utf8')).toContain('"state":"failed"');
  });

  it('that cannot be synced at the end is not marked as closed, and the directory is free', async () => {
    const path = await temporaryDirectory();
    const disk = new FaultyDisk();
    const machine = await openMachine({ path, disk });
    applyAll(machine, [set('a')]);
    disk.fault = new Error('ENOSPC: no space left on device, fsync');
    await expect(machine.close()).rejects.toMatchObject({ code: 'DiskFailed' });
    expect((await openMachine({ path })).appliedIndex).toBe(0);
  });

  it('of a restored state is synced to its end before it can be installed', async () => {
    const clock = new ManualClock();
    const disk = new FaultyDisk();
    const timers = { ...systemClock, setTimer: clock.setTimer.bind(clock) };
    const machine = await openMachine({ path: await temporaryDirectory(), disk, clock: timers });
    applyAll(machine, [set('a', 'x'.repeat(200_000))]);
    await machine.sync();
    const { syncs } = disk;
    async function* slowly(): AsyncGenerator<Uint8Array> {
      for await (const chunk of machine.snapshot().chunks) {
        yield chunk;
        if (disk.syncs > syncs) continue;
        // The interval of the state that is built passes while it is built.
        clock.advance(10_000);
        await eventually('a sync in the middle', () => disk.syncs > syncs);
      }
    }
    await machine.restore(slowly(), machine);
    expect(disk.syncs).toBe(syncs + 2);
    disk.fault = new Error('EIO: i/o error, fsync');
    await expect(machine.restore(machine.snapshot().chunks, machine)).rejects.toMatchObject({ code: 'DiskFailed' });
    disk.fault = null;
    expect(applyAll(machine, [set('b')])).toEqual(['set']);
  });

  it('uses the room of deleted entries again', async () => {
    const path = await temporaryDirectory();
    const machine = await openMachine({ path });
    const rewrite = () => {
      for (let i = 0; i < 40; i += 1) applyAll(machine, [set(`key ${i}`, 'x'.repeat(100_000))]);
    };
    rewrite();
    const { size } = await stat(join(path, 'state-1.mdb'));
    for (let i = 0; i < 10; i += 1) rewrite();
    expect((await stat(join(path, 'state-1.mdb'))).size).toBeLessThan(2 * size);
  });
});
