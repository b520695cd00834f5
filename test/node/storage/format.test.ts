/**
 * The format on disk (decision 10): a directory written by the first release opens for ever, and this release writes
 * the same bytes. If a test here fails, the format has changed: give it a new version, and keep reading the old one.
 */
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FROM_THE_BEGINNING } from '../../../packages/quorate/src/core/index.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { openDirectory } from '../../../packages/quorate/src/node/storage/data-directory.js';
import { NodeDisk } from '../../../packages/quorate/src/node/storage/node-disk.js';
import { ManualClock } from '../../support/manual-clock.js';
import {
  goldenEntries,
  goldenFormation,
  goldenHardState,
  goldenIncarnation,
  writeGoldenDirectory,
} from './golden-directory.js';
import { DIRECTORY, newDisk, openLog } from './open-log.js';

const fixture = (format: number) => fileURLToPath(new URL(`fixtures/format-${format}`, import.meta.url));

async function withCopy(format: number, use: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'quorate-format-'));
  try {
    await cp(fixture(format), path, { recursive: true });
    await use(path);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

describe('a directory', () => {
  it.each([1, 2])('of format %i opens, with everything in it, and goes on', async (format) => {
    await withCopy(format, async (path) => {
      const shared = { disk: new NodeDisk(), clock: new ManualClock(), logger: silentLogger, segmentBytes: 8192 };
      const randomBytes = () => new Uint8Array(16);
      for (let life = 0; life < 2; life += 1) {
        const directory = await openDirectory({ ...shared, randomBytes, path, id: 'n1', cluster: 'quorate' });
        expect(directory.incarnation).toBe(goldenIncarnation);
        expect(directory.formation).toEqual(goldenFormation);
        const { log, recovered } = await directory.openLog(goldenFormation);
        expect(recovered).toEqual({
          hardState: goldenHardState,
          entries: goldenEntries,
          torn: null,
          start: FROM_THE_BEGINNING,
        });
        await log.close();
        await directory.close();
      }
    });
  });

  it('of format 2 is what this release writes, byte for byte', async () => {
    const disk = await writeGoldenDirectory();
    const newest = fixture(2);
    const names = (await readdir(newest, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join('/data', entry.parentPath.slice(newest.length), entry.name));
    expect(disk.files).toEqual(names.sort());
    for (const path of disk.files) {
      const written = Buffer.from((await disk.readFile(path)) ?? []);
      expect(written.equals(await readFile(join(newest, path.slice('/data'.length)))), path).toBe(true);
    }
  });
});

describe('a log of a later format', () => {
  it('is refused as that, not as damaged', async () => {
    const disk = newDisk(1);
    await (await openLog(disk)).log.close();
    const file = await disk.open(`${DIRECTORY}/0000000000000001.log`, 'open');
    const head = Buffer.from(await file.read(0, 4096));
    head.writeUInt32BE(3, 8);
    head.writeUInt32BE(crc32(head.subarray(8)), 4);
    await file.write(head, 0);
    await expect(openLog(disk)).rejects.toMatchObject({
      code: 'DiskFailed',
      message: expect.stringContaining('format 3'),
    });
  });
});
