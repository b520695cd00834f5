/** Snapshots in their files: whole or not there, whatever happens to the disk, and nothing else is ever read. */
import { join } from 'node:path';
import { SnapshotDamaged } from 'quorate/errors';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import type { SnapshotHead } from '../../../packages/quorate/src/node/snapshot/snapshot-format.js';
import { snapshotName, temporaryName } from '../../../packages/quorate/src/node/snapshot/snapshot-name.js';
import { SnapshotReader } from '../../../packages/quorate/src/node/snapshot/snapshot-reader.js';
import { SnapshotWriter } from '../../../packages/quorate/src/node/snapshot/snapshot-writer.js';
import { type DiskOperation, SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';

const directory = '/data/snapshots';
const head: SnapshotHead = {
  position: { index: 1234, term: 7 },
  timestampMs: 1_700_000_000_000,
  clusterId: 'a cluster',
  configuration: { voters: ['n1', 'n2', 'n3'], outgoing: [], learners: ['n4'] },
};
const path = join(directory, snapshotName(head.position));
const temporary = join(directory, temporaryName(head.position));
/** Compresses to a few bytes a chunk, and differs everywhere. */
const small = [Buffer.from('the first'), Buffer.from('the second, somewhat longer')];

type Intercept = (operation: DiskOperation, disk: SimulatedDisk) => void;

async function makeDisk(intercept: Intercept = () => {}): Promise<SimulatedDisk> {
  const disk: SimulatedDisk = new SimulatedDisk({
    random: () => 0.3,
    intercept: (operation) => intercept(operation, disk),
  });
  await disk.makeDirectory(directory);
  return disk;
}

async function save(disk: SimulatedDisk, state: readonly Uint8Array[] = small): Promise<number> {
  const writer = await SnapshotWriter.create({ disk, directory, clock: systemClock }, head);
  try {
    for (const part of state) await writer.write(part);
    return await writer.commit();
  } catch (error) {
    await Promise.allSettled([writer.discard()]);
    throw error;
  }
}

async function load(disk: SimulatedDisk): Promise<Buffer> {
  const reader = await SnapshotReader.open({ disk, directory, clock: systemClock }, path);
  expect(reader.head).toEqual(head);
  const chunks: Buffer[] = [];
  for await (const chunk of reader.chunks()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('a snapshot', () => {
  it('is read as it was written, whatever the size of its parts', async () => {
    const random = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 2_654_435_761) >>> 13);
    for (const state of [[], small, [random], [random.subarray(0, 65_536), random.subarray(65_536, 65_537)]]) {
      const disk = await makeDisk();
      await save(disk, state);
      expect((await load(disk)).equals(Buffer.concat(state))).toBe(true);
      expect(disk.files).toEqual([path]);
    }
  });

  it('is refused when any bit of it has changed', async () => {
    const disk = await makeDisk();
    const bytes = await save(disk);
    for (let offset = 0; offset < bytes; offset += 1) {
      const mask = 1 << (offset % 8);
      disk.damage(path, offset, mask);
      await expect(load(disk), `byte ${offset}`).rejects.toBeInstanceOf(SnapshotDamaged);
      disk.damage(path, offset, mask);
    }
    expect((await load(disk)).equals(Buffer.concat(small))).toBe(true);
  });

  it('is refused when it has lost its end, or got another one', async () => {
    const disk = await makeDisk();
    const bytes = await save(disk);
    const file = await disk.open(path, 'open');
    await file.write(Buffer.from([0]), bytes);
    await expect(load(disk)).rejects.toMatchObject({ code: 'SnapshotDamaged', path, offset: bytes });
    for (let left = bytes - 1; left >= 0; left -= 1) {
      await file.truncate(left);
      await expect(load(disk), `${left} bytes`).rejects.toBeInstanceOf(SnapshotDamaged);
    }
  });

  it('is there as a whole or not at all when the machine dies at any moment', async () => {
    const operations = await count();
    for (const mode of ['lost', 'kept', 'torn'] as const) {
      for (let at = 2; at <= operations; at += 1) {
        let left: SimulatedDisk | null = null;
        const disk = await makeDisk(({ number }, self) => {
          if (number === at) left = self.crash(mode);
        });
        await Promise.allSettled([save(disk)]);
        const after = left as SimulatedDisk | null;
        if (after?.files.includes(path)) {
          expect((await load(after)).equals(Buffer.concat(small)), `${mode} at ${at}`).toBe(true);
        }
      }
    }
    const disk = await makeDisk();
    await save(disk);
    expect(disk.crash('lost').files, 'once it is committed').toEqual([path]);
  });

  it('is an error when any operation of the disk fails, and leaves nothing that is not whole', async () => {
    const operations = await count();
    for (let at = 2; at <= operations; at += 1) {
      const disk = await makeDisk(({ number }) => {
        if (number === at) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      });
      await expect(save(disk), `operation ${at}`).rejects.toMatchObject({ code: 'ENOSPC' });
      // A file that could not be made may be there all the same, and is empty.
      if (at > 2) expect(disk.files, `operation ${at}`).not.toContain(temporary);
      // The name may have been given by the time that it is said to have failed.
      if (disk.files.includes(path)) expect((await load(disk)).equals(Buffer.concat(small))).toBe(true);
    }
  });

  it('gets no name when the disk does not give back what was written', async () => {
    const disk = await makeDisk(({ kind }, self) => {
      if (kind === 'sync') self.damage(temporary, 100, 1);
    });
    await expect(save(disk)).rejects.toMatchObject({ code: 'SnapshotDamaged', path: temporary });
    expect(disk.files).toEqual([]);
  });
});

/** How many operations of the disk it takes, the folder included. */
async function count(): Promise<number> {
  const disk = await makeDisk();
  await save(disk);
  return disk.operations;
}
