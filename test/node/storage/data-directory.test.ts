/** Who may use a data directory, and what it remembers. Each refusal has to say what to do. */

import { DirectoryLocked, DiskFailed, IdentityMismatch, InvariantViolation, LogDamaged } from 'quorate/errors';
import { describe, expect, it } from 'vitest';
import { FROM_THE_BEGINNING } from '../../../packages/quorate/src/core/index.js';
import { formationOf } from '../../../packages/quorate/src/node/identity.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { type DataDirectoryOptions, openDirectory } from '../../../packages/quorate/src/node/storage/data-directory.js';
import { decodeIdentity, encodeIdentity } from '../../../packages/quorate/src/node/storage/identity-file.js';
import type { SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { ManualClock } from '../../support/manual-clock.js';
import { entryAt } from './log-model.js';
import { newDisk, settled, systemError } from './open-log.js';

const PATH = '/data';
const IDENTITY = '/data/identity';
const incarnation = (byte: number) => byte.toString(16).padStart(2, '0').repeat(16);

function open(disk: SimulatedDisk, options: Partial<DataDirectoryOptions> = {}) {
  const randomBytes = (length: number) => new Uint8Array(length).fill(7);
  const shared = { disk, randomBytes, clock: new ManualClock(), logger: silentLogger, segmentBytes: 8192 };
  return openDirectory({ ...shared, path: PATH, id: 'n1', cluster: 'quorate', ...options });
}

const formation = formationOf('quorate', [
  { id: 'n1', incarnation: incarnation(7) },
  { id: 'n2', incarnation: incarnation(8) },
]);
const step = { hardState: { term: 1, vote: 'n1', commit: 0 }, entries: [entryAt(1, 1, 10)] };

async function formedDisk(): Promise<SimulatedDisk> {
  const disk = newDisk(1);
  const directory = await open(disk);
  await directory.persistFormation(formation);
  const { log } = await directory.openLog(formation);
  await log.append(step);
  await log.close();
  await directory.close();
  return disk;
}

describe('a data directory', () => {
  it('gets one random incarnation for life, whatever comes', async () => {
    const disk = newDisk(1);
    const directory = await open(disk);
    expect(directory.incarnation).toBe(incarnation(7));
    expect(directory.formation).toBeNull();
    await directory.close();
    const again = await open(disk.crash('lost'), { randomBytes: (length) => new Uint8Array(length).fill(9) });
    expect(again.incarnation).toBe(incarnation(7));
  });

  it('remembers its formation and its log after a loss of power', async () => {
    const disk = (await formedDisk()).crash('lost');
    const directory = await open(disk);
    expect(directory.formation).toEqual(formation);
    const { recovered } = await directory.openLog(formation);
    expect(recovered).toEqual({
      hardState: step.hardState,
      entries: step.entries,
      torn: null,
      start: FROM_THE_BEGINNING,
    });
  });

  it('has the old identity or the new one after a crash in any operation of its making', async () => {
    let crashes = 0;
    let stored: string | null = null;
    const disk = newDisk(1, () => {
      for (const mode of ['lost', 'kept', 'torn', 'torn'] as const) {
        crashes += 1;
        const before = stored;
        left.push({ disk: disk.afterCrash(mode, { intercept: undefined }), before });
      }
    });
    const left: { readonly disk: SimulatedDisk; readonly before: string | null }[] = [];
    const directory = await open(disk);
    stored = 'identity';
    await directory.persistFormation(formation);
    stored = 'formation';
    await (await directory.openLog(formation)).log.close();
    for (const { disk: rest, before } of left) {
      const found = await open(rest, { randomBytes: (length) => new Uint8Array(length).fill(9) });
      if (before !== null) expect(found.incarnation).toBe(incarnation(7));
      if (before === 'formation') expect(found.formation).toEqual(formation);
      if (found.formation !== null) await (await found.openLog(found.formation)).log.close();
    }
    expect(crashes).toBeGreaterThan(40);
  });

  it('stays the same disk after a loss of power, if the process that made it was killed in any operation', async () => {
    let cut = 0;
    for (let finished = false; !finished; ) {
      cut += 1;
      const disk = newDisk(cut, ({ number }) => (number === cut ? new Promise<void>(() => {}) : undefined));
      const opening = open(disk).then(() => true);
      finished = await Promise.race([opening, settled().then(() => false)]);
      const left = disk.kill({ intercept: undefined });
      const second = await open(left, { randomBytes: (length) => new Uint8Array(length).fill(8) });
      const third = await open(left.crash('lost'), { randomBytes: (length) => new Uint8Array(length).fill(9) });
      expect(third.incarnation, `killed in operation ${cut}`).toBe(second.incarnation);
    }
    expect(cut).toBeGreaterThan(4);
  });

  it('is not opened twice, and is free after close, after a crash, and after an opening that failed', async () => {
    const disk = newDisk(1);
    const directory = await open(disk);
    await expect(open(disk)).rejects.toBeInstanceOf(DirectoryLocked);
    await directory.close();
    await expect(open(disk, { id: 'n2' })).rejects.toBeInstanceOf(IdentityMismatch);
    await open(disk);
    await open(disk.crash('lost'));
  });

  it.each([
    [{ id: 'n2' }, 'belongs to node n1 and cannot be used by n2'],
    [{ cluster: 'staging' }, 'belongs to cluster quorate and cannot be used in staging'],
  ])('is refused to %o', async (changed, message) => {
    const error = await open(await formedDisk(), changed).catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(IdentityMismatch);
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
  });

  it('is refused when any byte of its identity was changed, or its end is missing', async () => {
    const written = await formedDisk();
    const { byteLength } = (await written.readFile(IDENTITY)) ?? new Uint8Array(0);
    for (let offset = 0; offset < byteLength; offset += 1) {
      const disk = written.afterCrash('kept');
      disk.damage(IDENTITY, offset, 1 << (offset % 8));
      await expect(open(disk), `byte ${offset}`).rejects.toBeInstanceOf(IdentityMismatch);
      const cut = written.afterCrash('kept');
      await (await cut.open(IDENTITY, 'open')).truncate(offset);
      await expect(open(cut), `cut at ${offset}`).rejects.toBeInstanceOf(IdentityMismatch);
    }
  });

  it('is refused when a later release has written it, with that as the reason', async () => {
    const bytes = encodeIdentity({
      nodeId: 'n1',
      incarnation: '',
      cluster: 'quorate',
      formation: null,
      hasLog: false,
      beginning: null,
    });
    expect(decodeIdentity(bytes).kind).toBe('identity');
    const disk = await formedDisk();
    const checked = 'quorate identity 3\n{}\n';
    const { crc32 } = await import('node:zlib');
    const later = Buffer.from(`${checked}crc32 ${crc32(checked).toString(16).padStart(8, '0')}\n`);
    await (await disk.open(IDENTITY, 'create')).write(later, 0);
    await expect(open(disk)).rejects.toMatchObject({
      code: 'IdentityMismatch',
      message: expect.stringContaining('newer'),
    });
  });

  it('is refused when its log is gone, or its identity: its node may have voted', async () => {
    const withoutLog = await formedDisk();
    await withoutLog.remove('/data/log/0000000000000001.log');
    const directory = await open(withoutLog);
    await expect(directory.openLog(formation)).rejects.toBeInstanceOf(LogDamaged);
    const withoutIdentity = await formedDisk();
    await withoutIdentity.remove(IDENTITY);
    await expect(open(withoutIdentity)).rejects.toMatchObject({ message: expect.stringContaining('no identity file') });
  });

  it('refuses the log of another cluster, and of another disk', async () => {
    const other = await formedDisk();
    const log = (await other.readFile('/data/log/0000000000000001.log')) ?? new Uint8Array(0);
    for (const [members, byte] of [
      [[{ id: 'n1', incarnation: incarnation(7) }], 7],
      [[{ id: 'n1', incarnation: incarnation(9) }], 9],
    ] as const) {
      const own = formationOf('quorate', members);
      const disk = newDisk(1);
      const directory = await open(disk, { randomBytes: (length) => new Uint8Array(length).fill(byte) });
      await directory.persistFormation(own);
      await disk.makeDirectory('/data/log');
      await (await disk.open('/data/log/0000000000000001.log', 'create')).write(log, 0);
      await expect(directory.openLog(own)).rejects.toBeInstanceOf(IdentityMismatch);
    }
  });

  it('takes one formation, of its own cluster, of which it is a member with this disk', async () => {
    const disk = await formedDisk();
    const directory = await open(disk);
    await directory.persistFormation(formation);
    const foreign = [
      formationOf('quorate', [{ id: 'n1', incarnation: incarnation(7) }]),
      formationOf('staging', formation.members),
      formationOf('quorate', [{ id: 'n1', incarnation: incarnation(1) }]),
      formationOf('quorate', [{ id: 'n2', incarnation: incarnation(7) }]),
    ];
    for (const each of foreign)
      await expect(directory.persistFormation(each)).rejects.toBeInstanceOf(InvariantViolation);
  });

  it('that cannot be written ends with one sentence that says what to do', async () => {
    for (let failing = 1; failing <= 5; failing += 1) {
      const disk = newDisk(1, ({ number }) => {
        if (number === failing) throw systemError('EROFS');
      });
      const error = await open(disk).catch((reason: Error) => reason);
      expect(error, `operation ${failing}`).toBeInstanceOf(DiskFailed);
      expect(error).toMatchObject({
        message: expect.stringMatching(/^the data directory \/data .*EROFS.*choose another one$/),
      });
    }
  });

  it('does not take a formation as stored when storing it failed', async () => {
    let failing = false;
    const disk = newDisk(1, () => {
      if (failing) throw systemError('EIO');
    });
    const directory = await open(disk);
    failing = true;
    await expect(directory.persistFormation(formation)).rejects.toBeInstanceOf(DiskFailed);
    expect(directory.formation).toBeNull();
  });
});
