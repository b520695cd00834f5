/** Backups of embedded nodes: what a restored directory begins with, through crashes, and what is refused. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { restoreSnapshot, verifySnapshot } from '../../../packages/quorate/src/index.js';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { formationOf } from '../../../packages/quorate/src/node/identity.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { verifyFile } from '../../../packages/quorate/src/node/snapshot/backup-file.js';
import {
  type DataDirectoryOptions,
  openDirectory,
  restoreDirectory,
} from '../../../packages/quorate/src/node/storage/data-directory.js';
import { NodeDisk } from '../../../packages/quorate/src/node/storage/node-disk.js';
import { type DiskOperation, SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { RaftGroup } from '../../support/raft-group.js';

async function savedGroup(): Promise<{ group: RaftGroup; file: string; index: number; token: string }> {
  const group = await RaftGroup.prepare(1);
  const node = await group.open('n1');
  await group.leader();
  await node.propose({ key: 'a', value: '1' });
  const backup = await node.openBackup();
  const file = join(group.directory, 'backup');
  await writeFile(file, backup.chunks());
  const { token } = await node.propose({ key: 'a', value: '2' });
  await group.close('n1');
  return { group, file, index: backup.position.index, token };
}

describe('a backup', () => {
  it('has what was acknowledged before, on whichever node it is taken, and says what it is of', async () => {
    await using group = await RaftGroup.start();
    const leader = await group.leader();
    const follower = await group.follower();
    const { index } = await leader.propose({ key: 'k', value: 'v' });
    const backup = await follower.openBackup();
    expect(backup.position.index).toBeGreaterThanOrEqual(index);
    const file = join(group.directory, 'backup');
    await writeFile(file, backup.chunks());
    const { clusterId, term } = leader.status();
    const summary = await verifySnapshot(file);
    expect(summary).toMatchObject({ ...backup.position, clusterId, bytes: backup.bytes });
    expect(backup.position.term).toBe(term);
    await expect(follower.openBackup({ signal: AbortSignal.abort() })).rejects.toThrow();
  });

  it('begins a new history: its state, a new cluster id, and the next entry behind it, through restarts', async () => {
    const { group, file, index, token } = await savedGroup();
    await using all = group;
    const dataDir = join(all.directory, 'restored');
    const old = readFileSync(join(all.directory, 'n1', 'identity'), 'utf8');
    await restoreSnapshot({ file, dataDir, id: 'n1' });
    for (let life = 0; life < 3; life += 1) {
      const node = await all.open('n1', { dataDir });
      expect((await node.read((state) => [...state])).value[0]).toEqual(['a', '1']);
      expect(old).not.toContain(node.status().clusterId);
      expect(node.status().firstIndex).toBe(index + 1);
      const session = node.read((state) => state.size, { level: 'session', token });
      await expect(session).rejects.toMatchObject({ reason: 'TokenMismatch' });
      const written = await node.propose({ key: `life ${life}`, value: '' });
      expect(written.index).toBe(index + 2 * (life + 1));
      await all.close('n1');
    }
    // Without its log it is damaged, not a directory that was just restored.
    for (const name of readdirSync(join(dataDir, 'log'))) writeFileSync(join(dataDir, 'log', name), '');
    await expect(all.open('n1', { dataDir })).rejects.toMatchObject({ code: 'LogDamaged' });
  });

  it('that is damaged, or meets a directory in use, changes nothing there', async () => {
    const { group, file } = await savedGroup();
    await using all = group;
    const dataDir = join(all.directory, 'n1');
    const before = readdirSync(dataDir);
    const inUse = restoreSnapshot({ file, dataDir, id: 'n1' });
    await expect(inUse).rejects.toMatchObject({ code: 'InvalidArgument', field: 'dataDir' });
    expect(readdirSync(dataDir)).toEqual(before);
    writeFileSync(file, readFileSync(file).subarray(1));
    const empty = join(all.directory, 'empty');
    mkdirSync(empty);
    await expect(restoreSnapshot({ file, dataDir: empty, id: 'n1' })).rejects.toMatchObject({
      code: 'SnapshotDamaged',
    });
    expect(readdirSync(empty)).toEqual([]);
    await expect(verifySnapshot(join(all.directory, 'nothing'))).rejects.toMatchObject({ code: 'DiskFailed' });
  });
});

describe('a restore that fails', () => {
  const { makeDirectory, open } = NodeDisk.prototype;
  afterEach(() => Object.assign(NodeDisk.prototype, { makeDirectory, open }));

  const full = new Error('ENOSPC: no space left on device');
  const isInSnapshots = (path: string) => basename(dirname(path)) === 'snapshots';
  const failures = {
    'when it makes the directory of the snapshots': () => {
      NodeDisk.prototype.makeDirectory = async function (path) {
        await makeDirectory.call(this, path);
        if (basename(path) === 'snapshots') throw full;
      };
    },
    'when it makes the file': () => {
      NodeDisk.prototype.open = async function (path, mode) {
        const file = await open.call(this, path, mode);
        if (mode !== 'create' || !isInSnapshots(path)) return file;
        await file.close();
        throw full;
      };
    },
    'with its first write': () => {
      NodeDisk.prototype.open = async function (path, mode) {
        const file = await open.call(this, path, mode);
        if (mode === 'create' && isInSnapshots(path)) file.write = async () => Promise.reject(full);
        return file;
      };
    },
  };

  it.each(Object.entries(failures))('%s leaves nothing behind, and may be tried again', async (_, fail) => {
    const { group, file } = await savedGroup();
    await using all = group;
    const [missing, empty] = [join(all.directory, 'missing'), join(all.directory, 'empty')];
    mkdirSync(empty);
    fail();
    for (const dataDir of [missing, empty]) {
      const restoring = restoreSnapshot({ file, dataDir, id: 'n1' });
      await expect(restoring).rejects.toMatchObject({ code: 'DiskFailed', message: expect.stringContaining('ENOSPC') });
    }
    expect(existsSync(missing)).toBe(false);
    expect(readdirSync(empty)).toEqual([]);
    Object.assign(NodeDisk.prototype, { makeDirectory, open });
    for (const dataDir of [missing, empty]) await restoreSnapshot({ file, dataDir, id: 'n1' });
  });
});

describe('a directory that is being restored', () => {
  const beginning = { index: 7, term: 2, timestampMs: 5, checksum: 'a'.repeat(64) };

  function options(disk: SimulatedDisk): DataDirectoryOptions {
    const randomBytes = (length: number) => new Uint8Array(length).fill(7);
    return { disk, randomBytes, clock: systemClock, logger: silentLogger, path: '/data', id: 'n1', cluster: 'quorate' };
  }

  async function restore(disk: SimulatedDisk): Promise<void> {
    await restoreDirectory(options(disk), async (openSnapshots) => {
      const snapshots = await openSnapshots();
      const configuration = { voters: ['n1'], outgoing: [], learners: [] };
      const position = { index: 7, term: 2 };
      await snapshots.save({ position, timestampMs: 5, clusterId: 'old', configuration }, [Buffer.from('state')]);
      return beginning;
    });
  }

  it('is all there, refused, or still empty, whenever the machine dies', async () => {
    const operations: DiskOperation[] = [];
    const count = (operation: DiskOperation) => {
      operations.push(operation);
    };
    await restore(new SimulatedDisk({ random: () => 0.3, intercept: count }));
    const ends = new Set<string>();
    for (let cut = 1; cut <= operations.length; cut += 1) {
      let left = cut;
      const disk: SimulatedDisk = new SimulatedDisk({
        random: () => 0.3,
        intercept: () => {
          left -= 1;
          if (left === 0) throw new Error('the machine died');
        },
      });
      await Promise.allSettled([restore(disk)]);
      for (const after of ['lost', 'kept'] as const) {
        const found = disk.afterCrash(after);
        const opened = await openDirectory(options(found)).catch((error: Error) => error);
        if (opened instanceof Error) {
          expect(opened.message).toContain('has snapshots and no identity file');
          ends.add('refused');
        } else if (opened.beginning === null) ends.add('empty');
        else {
          ends.add('restored');
          expect(opened.beginning).toEqual(beginning);
          const formation = formationOf('quorate', [{ id: 'n1', incarnation: opened.incarnation }], beginning);
          await opened.persistFormation(formation);
          const { recovered } = await opened.openLog(formation);
          expect(recovered).toEqual({
            ...{ start: { index: 7, term: 2, timestampMs: 5 }, entries: [], torn: null },
            hardState: { term: 2, vote: null, commit: 7 },
          });
          const path = '/data/snapshots/0000000000000007-0000000000000002.snapshot';
          expect(await verifyFile({ disk: found, clock: systemClock, path })).toMatchObject({ index: 7, term: 2 });
        }
      }
    }
    expect(ends).toEqual(new Set(['restored', 'refused', 'empty']));
  });
});
