/** What the log does while nothing goes wrong. Crashes, damage and failing disks have files of their own. */

import { DiskFailed, IdentityMismatch, InvariantViolation, LogDamaged, Stopped } from 'quorate/errors';
import { describe, expect, it } from 'vitest';
import { FROM_THE_BEGINNING } from '../../../packages/quorate/src/core/index.js';
import type { LogAppend } from '../../../packages/quorate/src/node/storage/log-storage.js';
import type { DiskOperation } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { applyStep, emptyModel, entryAt, statesAfter, whichState } from './log-model.js';
import { DIRECTORY, newDisk, openLog, sealIdle, settled, systemError } from './open-log.js';

const step = (from: number, to: number, { term = 1, commit = 0, bytes = 10 } = {}): LogAppend => ({
  hardState: { term, vote: 'n1', commit },
  entries: Array.from({ length: to - from + 1 }, (_, i) => entryAt(from + i, term, bytes)),
});

/** A disk that notes the operations. */
function recordingDisk() {
  const operations: DiskOperation[] = [];
  const disk = newDisk(1, (operation) => {
    operations.push(operation);
  });
  return { disk, writes: () => operations.filter(({ kind }) => kind === 'write-durably').length, operations };
}

describe('the write-ahead log', () => {
  it('is empty when it is new', async () => {
    const { log, recovered } = await openLog(newDisk(1));
    expect(recovered).toEqual({ ...emptyModel, torn: null, start: FROM_THE_BEGINNING });
    await log.close();
  });

  it('gives back hard state and entries, with all their fields, in the next life', async () => {
    const disk = newDisk(1);
    const steps = [step(1, 7), step(8, 8, { term: 3, commit: 5 })];
    const { log } = await openLog(disk);
    for (const each of steps) await log.append(each);
    await log.close();
    const { recovered, log: again } = await openLog(disk);
    expect(recovered).toEqual({ ...statesAfter(steps).at(-1), torn: null, start: FROM_THE_BEGINNING });
    expect(recovered.entries[0]?.data.constructor).toBe(Uint8Array);
    await again.close();
  });

  it('remembers a vote that came without entries', async () => {
    const disk = newDisk(1);
    const { log } = await openLog(disk);
    await log.append({ hardState: { term: 7, vote: 'wählerin', commit: 0 }, entries: [] });
    await log.close();
    expect((await openLog(disk)).recovered.hardState).toEqual({ term: 7, vote: 'wählerin', commit: 0 });
  });

  it('holds the largest numbers there are', async () => {
    const disk = newDisk(1);
    const max = Number.MAX_SAFE_INTEGER;
    const proposal = { origin: max, sequence: max };
    const entry = {
      index: 1,
      term: max,
      kind: 'command',
      timestampMs: max,
      proposal,
      data: new Uint8Array(1),
    } as const;
    const { log } = await openLog(disk);
    await log.append({ hardState: { term: max, vote: null, commit: 1 }, entries: [entry] });
    await log.close();
    expect((await openLog(disk)).recovered.entries).toEqual([entry]);
  });

  it('writes the steps that come during a write together, and settles them in order', async () => {
    const { disk, writes } = recordingDisk();
    const { log } = await openLog(disk, { segmentBytes: 65_536 });
    const before = writes();
    const settledSteps: number[] = [];
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => log.append(step(i + 1, i + 1)).then(() => settledSteps.push(i))),
    );
    expect(writes() - before).toBe(2);
    expect(settledSteps).toEqual(Array.from({ length: 200 }, (_, i) => i));
    await log.close();
    expect((await openLog(disk)).recovered.entries.map(({ index }) => index).at(-1)).toBe(200);
  });

  it('bounds what it writes together', async () => {
    const { disk, writes } = recordingDisk();
    const { log } = await openLog(disk, { maxBatchBytes: 1, segmentBytes: 65_536 });
    const before = writes();
    await Promise.all(Array.from({ length: 21 }, (_, i) => log.append(step(i + 1, i + 1, { bytes: 200 }))));
    expect(writes() - before).toBe(21);
    await log.close();
  });

  it('merges steps that supersede each other while they wait', async () => {
    const disk = newDisk(1);
    const { log } = await openLog(disk);
    const steps = [step(1, 2), step(3, 6), step(5, 5, { term: 2 }), step(4, 4, { term: 3 }), step(5, 6, { term: 3 })];
    await Promise.all(steps.map((each) => log.append(each)));
    await log.close();
    expect((await openLog(disk)).recovered).toEqual({
      ...statesAfter(steps).at(-1),
      torn: null,
      start: FROM_THE_BEGINNING,
    });
  });

  it('rolls to a new segment when one is full, and gives a large record one of its size', async () => {
    const disk = newDisk(1);
    const steps = [
      step(1, 1),
      step(2, 2, { bytes: 3500 }),
      step(3, 3, { bytes: 3500 }),
      step(4, 4, { bytes: 300_000 }),
    ];
    const { log } = await openLog(disk);
    for (const each of steps) await log.append(each);
    await log.append(step(5, 5));
    await log.close();
    expect(disk.files.filter((path) => path.endsWith('.log')).length).toBeGreaterThanOrEqual(4);
    const { recovered } = await openLog(disk);
    expect(whichState(statesAfter([...steps, step(5, 5)]), recovered)).toBe(5);
  });

  it('prepares the next segment while the current one is in use, and leaves no file behind when closed', async () => {
    const { disk, operations } = recordingDisk();
    const { log } = await openLog(disk);
    await log.append(step(1, 1, { bytes: 2500 }));
    await settled();
    expect(operations.at(-1)).toMatchObject({ path: `${DIRECTORY}/0000000000000002.log.tmp`, kind: 'write-durably' });
    await log.close();
    expect(disk.files).toEqual([`${DIRECTORY}/0000000000000001.log`]);
  });

  it('gives back the space of the segment before when it is opened again', async () => {
    const disk = newDisk(1);
    const { log } = await openLog(disk);
    await log.append(step(1, 3));
    await log.close();
    await openLog(disk);
    expect((await disk.readFile(`${DIRECTORY}/0000000000000001.log`))?.byteLength).toBeLessThan(5000);
  });

  it('seals an idle log once, and not while steps keep coming', async () => {
    const { disk, writes } = recordingDisk();
    const { log, clock } = await openLog(disk);
    expect(clock.timers).toBe(0);
    await log.append(step(1, 1));
    clock.advance(30);
    await log.append(step(2, 2));
    clock.advance(30);
    await settled();
    const before = writes();
    await sealIdle(clock);
    expect(writes() - before).toBe(1);
    expect(clock.timers).toBe(0);
    await log.close();
    expect(writes() - before).toBe(1);
  });

  it('seals when it closes, stops its timer, and takes no step afterwards', async () => {
    const { disk, writes } = recordingDisk();
    const { log, clock } = await openLog(disk);
    const waiting = log.append(step(1, 1));
    const before = writes();
    const closed = log.close();
    await expect(log.append(step(2, 2))).rejects.toBeInstanceOf(Stopped);
    await waiting;
    await closed;
    await log.close();
    expect(writes() - before).toBe(1);
    expect(clock.timers).toBe(0);
  });

  it('ends when more waits for the disk than is allowed', async () => {
    const { disk } = recordingDisk();
    const { log } = await openLog(disk, { maxWaitingBytes: 1000 });
    const results = await Promise.allSettled(
      Array.from({ length: 9 }, (_, i) => log.append(step(i + 1, i + 1, { bytes: 200 }))),
    );
    const errors = results.map((result) => (result.status === 'rejected' ? result.reason : null));
    expect(errors[0]).toBeInstanceOf(DiskFailed);
    expect(errors[0].cause).toMatchObject({ code: 'Overloaded', limit: 1000 });
    expect(new Set(errors).size).toBe(1);
    await log.close();
  });

  it.each([
    ['leaves a gap', step(3, 3)],
    ['has a gap', { ...step(2, 2), entries: [entryAt(2, 1, 1), entryAt(4, 1, 1)] }],
    ['supersedes a committed entry', step(1, 1, { term: 2, commit: 1 })],
    ['goes back in term', { hardState: { term: 0, vote: null, commit: 1 }, entries: [] }],
    ['clears the vote of its term', { hardState: { term: 1, vote: null, commit: 1 }, entries: [] }],
    ['changes the vote of its term', { hardState: { term: 1, vote: 'n2', commit: 1 }, entries: [] }],
    ['goes back in commit', { hardState: { term: 1, vote: 'n1', commit: 0 }, entries: [] }],
    ['commits what is not there', { hardState: { term: 1, vote: 'n1', commit: 2 }, entries: [] }],
    ['has an entry of a later term', { hardState: { term: 1, vote: 'n1', commit: 1 }, entries: [entryAt(2, 2, 1)] }],
  ])('refuses a step that %s, and ends: its node is broken', async (_, broken: LogAppend) => {
    const disk = newDisk(1);
    const { log } = await openLog(disk);
    await log.append(step(1, 1, { commit: 1 }));
    await expect(log.append(broken)).rejects.toBeInstanceOf(InvariantViolation);
    await expect(log.append(step(2, 2, { commit: 1 }))).rejects.toBeInstanceOf(InvariantViolation);
    await log.close();
    expect((await openLog(disk)).recovered).toEqual({
      ...applyStep(emptyModel, step(1, 1, { commit: 1 })),
      torn: null,
      start: FROM_THE_BEGINNING,
    });
  });

  it.each([
    ['segmentBytes', 8191],
    ['segmentBytes', Number.NaN],
    ['maxBatchBytes', 0],
    ['maxWaitingBytes', 0.5],
    ['sealAfterMs', 101],
  ])('refuses %s = %d', async (field, value) => {
    await expect(openLog(newDisk(1), { [field]: value })).rejects.toMatchObject({ code: 'InvalidArgument', field });
  });
});

describe('the write-ahead log that is not the one expected', () => {
  async function writtenDisk() {
    const disk = newDisk(1);
    const { log } = await openLog(disk);
    await log.append(step(1, 1));
    await log.close();
    return disk;
  }

  it.each([{ clusterId: 'other' }, { incarnation: 'other' }])('is refused when it has another %o', async (other) => {
    await expect(openLog(await writtenDisk(), other)).rejects.toBeInstanceOf(IdentityMismatch);
  });

  it('is damaged when it is gone and has to be there', async () => {
    const damage = { code: 'LogDamaged', segment: '0000000000000001.log', offset: 0, index: 1 };
    await expect(openLog(newDisk(1), { mustExist: true })).rejects.toMatchObject(damage);
    await (await openLog(await writtenDisk(), { mustExist: true })).log.close();
  });

  it('is damaged when a segment before another is gone', async () => {
    const disk = await writtenDisk();
    await (await openLog(disk)).log.close();
    await disk.remove(`${DIRECTORY}/0000000000000001.log`);
    await expect(openLog(disk)).rejects.toBeInstanceOf(LogDamaged);
  });

  it('cannot be opened on a disk that fails, and says so', async () => {
    const operations = (await writtenDisk()).operations;
    expect(operations).toBeGreaterThan(5);
    for (let failing = 1; failing <= 5; failing += 1) {
      const disk = newDisk(1, ({ number }) => {
        if (number === failing) throw systemError('EIO');
      });
      await expect(openLog(disk)).rejects.toBeInstanceOf(DiskFailed);
    }
  });
});
