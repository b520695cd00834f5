/**
 * Every byte of a log, changed one at a time: whatever was acknowledged and sealed is either there as it was, or the
 * log is refused. It must never be silently shorter.
 */

import { LogDamaged } from 'quorate/errors';
import { describe, expect, it } from 'vitest';
import type { LogAppend } from '../../../packages/quorate/src/node/storage/log-storage.js';
import type { SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { entryAt, statesAfter, whichState } from './log-model.js';
import { DIRECTORY, newDisk, openLog, sealIdle } from './open-log.js';

const steps: readonly LogAppend[] = [
  { hardState: { term: 1, vote: 'n1', commit: 0 }, entries: [entryAt(1, 1, 100), entryAt(2, 1, 1500)] },
  { hardState: { term: 1, vote: 'n1', commit: 1 }, entries: [entryAt(3, 1, 1900)] },
  { hardState: { term: 2, vote: 'n2', commit: 1 }, entries: [entryAt(3, 2, 1200)] },
  { hardState: { term: 2, vote: 'n2', commit: 3 }, entries: [entryAt(4, 2, 70)] },
  { hardState: { term: 3, vote: null, commit: 3 }, entries: [] },
  { hardState: { term: 3, vote: null, commit: 3 }, entries: [entryAt(5, 3, 33), entryAt(6, 3, 600)] },
];
const states = statesAfter(steps);
const whole = steps.length;

/** Three segments: one full, one from an earlier life, one in use. */
async function write({ sealed }: { readonly sealed: boolean }): Promise<SimulatedDisk> {
  const disk = newDisk(1);
  const { log } = await openLog(disk);
  for (const step of steps.slice(0, 4)) await log.append(step);
  await log.close();
  const { log: again, clock } = await openLog(disk);
  for (const step of steps.slice(4)) await again.append(step);
  if (sealed) await sealIdle(clock);
  return disk;
}

interface Outcome {
  readonly state: number;
  readonly damaged: LogDamaged | null;
}

async function openDamaged(written: SimulatedDisk, path: string, offset: number, mask: number): Promise<Outcome> {
  const disk = written.afterCrash('kept');
  disk.damage(path, offset, mask);
  try {
    const { log, recovered } = await openLog(disk);
    await log.close();
    return { state: whichState(states, recovered), damaged: null };
  } catch (error) {
    if (error instanceof LogDamaged) return { state: -1, damaged: error };
    throw error;
  }
}

async function segmentsOf(disk: SimulatedDisk): Promise<readonly { readonly path: string; readonly size: number }[]> {
  const paths = disk.files.filter((path) => path.endsWith('.log'));
  return Promise.all(paths.map(async (path) => ({ path, size: (await disk.readFile(path))?.byteLength ?? 0 })));
}

/** Where the records of a segment are, by their magic. */
async function recordsOf(disk: SimulatedDisk, path: string): Promise<readonly number[]> {
  const bytes = Buffer.from((await disk.readFile(path)) ?? []);
  const offsets: number[] = [];
  for (let at = 4096; at < bytes.length; at += 64)
    if (bytes.toString('latin1', at, at + 4) === 'QREC') offsets.push(at);
  return offsets;
}

describe('a sealed log with one changed byte', () => {
  it('is refused, or is whole', { timeout: 120_000 }, async () => {
    const written = await write({ sealed: true });
    const segments = await segmentsOf(written);
    expect(segments.length).toBe(3);
    let refused = 0;
    for (const { path, size } of segments) {
      for (let offset = 0; offset < size; offset += 1) {
        const { state, damaged } = await openDamaged(written, path, offset, 1 << ((offset * 5) % 8));
        if (damaged === null) expect(state, `${path} at ${offset}`).toBe(whole);
        else refused += 1;
      }
    }
    // The heads alone are three times 4,096 bytes, and the records are some 6,000.
    expect(refused).toBeGreaterThan(3 * 4096 + 5000);
  });

  it('is refused with the segment, the place and the first entry that is lost', async () => {
    const written = await write({ sealed: true });
    const [first, second, third] = await segmentsOf(written);
    const at = async (path = '', record = 0) => (await recordsOf(written, path))[record] ?? 0;
    const cases = [
      { path: first?.path, offset: await at(first?.path, 0), index: 1 },
      { path: first?.path, offset: await at(first?.path, 1), index: 3 },
      // Superseded index 3: what is lost begins there, though 3 was read once.
      { path: second?.path, offset: await at(second?.path, 0), index: 3 },
      // The seal of the life before, carried over, and a step without entries: everything up to 4 is there.
      { path: third?.path, offset: await at(third?.path, 0), index: 5 },
      { path: third?.path, offset: await at(third?.path, 1), index: 5 },
      { path: third?.path, offset: await at(third?.path, 2), index: 5 },
    ];
    for (const { path = '', offset, index } of cases) {
      // In the payload, so that the header still tells where the record begins.
      const { damaged } = await openDamaged(written, path, offset + 50, 1);
      expect(damaged).toMatchObject({ segment: path.slice(DIRECTORY.length + 1), offset, index });
      expect(damaged?.message).toContain(`entry ${index}`);
    }
  });

  it('is refused when a segment is cut short, or emptied', async () => {
    for (const { path, size } of await segmentsOf(await write({ sealed: true }))) {
      for (const left of [0, 1, 4095, 4096, 4200]) {
        if (left >= size) continue;
        const disk = await write({ sealed: true });
        await (await disk.open(path, 'open')).truncate(left);
        await expect(openLog(disk), `${path} cut to ${left}`).rejects.toBeInstanceOf(LogDamaged);
      }
    }
  });

  it('is refused when a segment is one of another history of the same directory', async () => {
    const history = async (data: number) => {
      const disk = newDisk(1);
      const entry = { ...entryAt(1, 1, 3), data: new Uint8Array(3).fill(data) };
      const { log } = await openLog(disk);
      await log.append({ hardState: { term: 1, vote: 'n1', commit: 0 }, entries: [entry] });
      await log.close();
      await (await openLog(disk)).log.close();
      return disk;
    };
    const [first] = await segmentsOf(await history(1));
    const foreign = (await (await history(2)).readFile(first?.path ?? '')) ?? new Uint8Array(0);
    const disk = await history(1);
    await (await disk.open(first?.path ?? '', 'open')).write(foreign, 0);
    await expect(openLog(disk)).rejects.toMatchObject({ code: 'LogDamaged', segment: '0000000000000001.log' });
  });

  it('is refused when a sector of it is one of another place', async () => {
    const written = await write({ sealed: true });
    const [first, , third] = await segmentsOf(written);
    const foreign = Buffer.from((await written.readFile(first?.path ?? '')) ?? []).subarray(4096, 4096 + 512);
    const disk = written.afterCrash('kept');
    await (await disk.open(third?.path ?? '', 'open')).write(foreign, 4096);
    await expect(openLog(disk)).rejects.toBeInstanceOf(LogDamaged);
  });
});

describe('a log that was not sealed', () => {
  it('is not taken for damaged when the blocks behind its end hold records of an earlier segment', async () => {
    const disk = newDisk(1);
    const { log } = await openLog(disk);
    for (let index = 1; index <= 4; index += 1) {
      await log.append({ hardState: { term: 1, vote: 'n1', commit: 0 }, entries: [entryAt(index, 1, 600)] });
    }
    await log.close();
    const [first] = disk.files;
    const recycled = (await disk.readFile(first ?? ''))?.slice(4096) ?? new Uint8Array(0);
    await openLog(disk);
    const newest = await disk.open(disk.files.at(-1) ?? '', 'open');
    const carried = await newest.read(4096, 128);
    await newest.write(recycled, 4096);
    await newest.write(carried, 4096);
    const { recovered } = await openLog(disk.crash('kept'));
    expect(recovered.entries.map(({ index }) => index)).toEqual([1, 2, 3, 4]);
    expect(recovered.torn).toEqual({ segment: '0000000000000002.log', offset: 4096 + 128 });
  });

  it('loses the last record at most, and says that it was cut', async () => {
    const written = await write({ sealed: false });
    const path = (await segmentsOf(written)).at(-1)?.path ?? '';
    const records = await recordsOf(written, path);
    const last = records.at(-1) ?? 0;
    const { log, recovered } = await openLog(written.afterCrash('kept'));
    await log.close();
    expect(recovered.torn).toBeNull();
    for (let offset = records[0] ?? 0; offset < last + 700; offset += 1) {
      const { state, damaged } = await openDamaged(written, path, offset, 1);
      if (offset < last) expect(damaged !== null || state === whole, `at ${offset}`).toBe(true);
      else expect(state, `at ${offset}`).toBeGreaterThanOrEqual(whole - 1);
    }
    const disk = written.afterCrash('kept');
    disk.damage(path, last + 60, 1);
    const cut = await openLog(disk);
    expect(cut.recovered.torn).toEqual({ segment: path.slice(DIRECTORY.length + 1), offset: last });
  });
});
