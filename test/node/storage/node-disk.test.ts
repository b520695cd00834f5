/** The real file system behind the seam, in both ways of writing durably, with a log on top of it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskFailed } from 'quorate/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { openDirectory } from '../../../packages/quorate/src/node/storage/data-directory.js';
import { type DurableWrites, NodeDisk } from '../../../packages/quorate/src/node/storage/node-disk.js';
import { ManualClock } from '../../support/manual-clock.js';
import { applyStep, emptyModel, entryAt, type ModelState, whichState } from './log-model.js';
import { openLog } from './open-log.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-disk-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe.each<DurableWrites>(['o-dsync', 'write-then-sync'])('a disk that writes with %s', (durableWrites) => {
  const disk = new NodeDisk({ durableWrites });

  it('reads what was written, up to the end of the file', async () => {
    const path = join(directory, 'file');
    const file = await disk.open(path, 'create');
    await file.write(Buffer.from('abcdef'), 0);
    await file.writeDurably(Buffer.from('XY'), 2);
    await file.sync();
    expect(Buffer.from(await file.read(1, 100)).toString()).toBe('bXYef');
    expect(await file.size()).toBe(6);
    await file.truncate(3);
    await file.close();
    expect((await readFile(path)).toString()).toBe('abX');
    const again = await disk.open(path, 'open');
    expect(await again.read(3, 10)).toHaveLength(0);
    await again.close();
    await (await disk.open(path, 'create')).close();
    expect(await disk.readFile(path)).toHaveLength(0);
  });

  it('takes nothing any more once it is closed', async () => {
    const file = await disk.open(join(directory, 'file'), 'create');
    await file.close();
    await expect(file.writeDurably(Buffer.from('x'), 0)).rejects.toThrow();
    await expect(file.write(Buffer.from('x'), 0)).rejects.toThrow();
    await file.close();
  });

  it('carries a log through many segments and several lives', async () => {
    let state: ModelState = emptyModel;
    for (let life = 1; life <= 3; life += 1) {
      const { log, recovered } = await openLog(disk, { directory: join(directory, 'log'), maxBatchBytes: 2000 });
      expect(whichState([state], recovered)).toBe(0);
      const steps = Array.from({ length: 60 }, (_, i) => {
        const index = state.entries.length + 1;
        const step = {
          hardState: { term: life, vote: 'n1', commit: index - 1 },
          entries: [entryAt(index, life, i * 40)],
        };
        state = applyStep(state, step);
        return step;
      });
      await Promise.all(steps.map((step) => log.append(step)));
      await log.close();
    }
    const names = await disk.list(join(directory, 'log'));
    expect(names.length).toBeGreaterThan(10);
    expect(names).toEqual([...names].sort());
  });
});

describe('the disk of the machine', () => {
  const disk = new NodeDisk();

  it('makes directories with their parents, and finds those that are there', async () => {
    const path = join(directory, 'a/b/c');
    await disk.makeDirectory(path);
    await disk.makeDirectory(path);
    expect(await disk.list(join(directory, 'a'))).toEqual(['b']);
    expect(await disk.list(path)).toEqual([]);
  });

  it('renames, removes, and tells a file that is missing from one that is empty', async () => {
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    await writeFile(from, 'new');
    await writeFile(to, 'old');
    await disk.rename(from, to);
    await disk.syncDirectory(directory);
    expect(Buffer.from((await disk.readFile(to)) ?? []).toString()).toBe('new');
    expect(await disk.readFile(from)).toBeNull();
    await disk.remove(to);
    expect(await disk.list(directory)).toEqual([]);
    await expect(disk.open(to, 'open')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('gives a data directory that is a file away as one sentence', async () => {
    const path = join(directory, 'file');
    await writeFile(path, '');
    const options = { disk, path, id: 'n1', cluster: 'quorate', clock: new ManualClock(), logger: silentLogger };
    const randomBytes = (length: number) => new Uint8Array(length);
    await expect(openDirectory({ ...options, randomBytes })).rejects.toBeInstanceOf(DiskFailed);
    await expect(openDirectory({ ...options, randomBytes, path: join(path, 'below') })).rejects.toBeInstanceOf(
      DiskFailed,
    );
  });
});
