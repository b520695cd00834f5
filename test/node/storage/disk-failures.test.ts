/**
 * A disk that fails, at every operation in turn. After the failure the log acknowledges nothing, and touches the disk
 * no more.
 */

import { DiskFailed, DiskStalled } from 'quorate/errors';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import type { LogAppend } from '../../../packages/quorate/src/node/storage/log-storage.js';
import type { SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { entryAt, statesAfter, whichState } from './log-model.js';
import { newDisk, openLog, sealIdle, settled, systemError } from './open-log.js';

const COUNT = 14;
/** Large enough to roll again and again. */
const steps: readonly LogAppend[] = Array.from({ length: COUNT }, (_, i) => ({
  hardState: { term: 1, vote: 'n1', commit: i },
  entries: [entryAt(i + 1, 1, 900)],
}));

interface Failure {
  readonly acknowledged: number;
  readonly error: unknown;
  readonly disk: SimulatedDisk;
}

/** Opens a log, and fails the operation with this number counted from then on. Null when there were not so many. */
async function failAt(failing: number): Promise<Failure | null> {
  let left = Number.POSITIVE_INFINITY;
  const disk = newDisk(failing, () => {
    left -= 1;
    if (left === 0) throw systemError('EIO');
  });
  const { log, clock } = await openLog(disk);
  left = failing;
  let acknowledged = 0;
  for (const step of steps) {
    try {
      await log.append(step);
      acknowledged += 1;
    } catch (error) {
      const together = await Promise.allSettled([log.append(step), log.append(step)]);
      expect(together.map((result) => result.status === 'rejected' && result.reason === error)).toEqual([true, true]);
      await settled();
      const { operations } = disk;
      clock.advance(1000);
      await settled();
      await log.close();
      expect(disk.operations, 'operations after the failure').toBe(operations);
      expect(clock.timers).toBe(0);
      return { acknowledged, error, disk };
    }
  }
  await log.close();
  return null;
}

describe('a log on a disk that fails', () => {
  it('rejects the waiting and every later step with one error, and never writes again', async () => {
    let failures = 0;
    for (let failing = 1; ; failing += 1) {
      const failure = await failAt(failing);
      if (failure === null) break;
      failures += 1;
      expect(failure.error).toBeInstanceOf(DiskFailed);
      expect((failure.error as DiskFailed).cause).toMatchObject({ code: 'EIO' });
      const { recovered } = await openLog(failure.disk.crash('torn', { intercept: undefined }));
      const states = statesAfter(steps).slice(0, failure.acknowledged + 2);
      expect(whichState(states, recovered)).toBeGreaterThanOrEqual(failure.acknowledged);
    }
    // Every record, and for each of several segments the zeros, their sync, the head, the new name and the directory.
    expect(failures).toBeGreaterThan(COUNT + 10);
  });

  it('rejects all steps of the write that failed, and those that came meanwhile', async () => {
    let failing = false;
    const disk = newDisk(1, () => {
      if (failing) throw systemError('ENOSPC');
    });
    const { log } = await openLog(disk);
    failing = true;
    const results = await Promise.allSettled(steps.map((step) => log.append(step)));
    const reasons = results.map((result) => (result.status === 'rejected' ? result.reason : null));
    expect(new Set(reasons).size).toBe(1);
    expect(reasons[0]).toBeInstanceOf(DiskFailed);
    expect(reasons[0].message).toContain('ENOSPC');
    await log.close();
  });

  it('stops preparing the next segment, too', async () => {
    let [holding, failing] = [false, false];
    let goOn: (() => void) | null = null;
    const disk = newDisk(1, ({ path, kind }) => {
      if (holding && path.endsWith('.tmp') && kind === 'write-durably') {
        return new Promise<void>((resolve) => {
          goOn = resolve;
        });
      }
      if (failing) throw systemError('EIO');
      return undefined;
    });
    const { log } = await openLog(disk, { segmentBytes: 4 * 1024 * 1024 });
    holding = true;
    await log.append({ hardState: { term: 1, vote: 'n1', commit: 0 }, entries: [entryAt(1, 1, 2_500_000)] });
    await settled();
    expect(goOn).not.toBeNull();
    failing = true;
    const next = { hardState: { term: 1, vote: 'n1', commit: 0 }, entries: [entryAt(2, 1, 10)] };
    await expect(log.append(next)).rejects.toBeInstanceOf(DiskFailed);
    const { operations } = disk;
    (goOn as (() => void) | null)?.();
    await log.close();
    expect(disk.operations).toBe(operations);
  });

  it('ends when its seal fails, and says so in the log of the program', async () => {
    let failing = false;
    const lines: string[] = [];
    const disk = newDisk(1, () => {
      if (failing) throw systemError('EIO');
    });
    const logger = { ...silentLogger, error: (_: unknown, message: string) => lines.push(message) };
    const { log, clock } = await openLog(disk, { logger });
    await log.append(steps[0] as LogAppend);
    failing = true;
    await sealIdle(clock);
    await expect(log.append(steps[1] as LogAppend)).rejects.toBeInstanceOf(DiskFailed);
    expect(lines).toEqual(['the log has failed']);
  });

  it('rejects close when the seal cannot be written', async () => {
    let failing = false;
    const disk = newDisk(1, () => {
      if (failing) throw systemError('EIO');
    });
    const { log } = await openLog(disk);
    await log.append(steps[0] as LogAppend);
    failing = true;
    await expect(log.close()).rejects.toBeInstanceOf(DiskFailed);
    await log.close();
  });

  it('acknowledges nothing while a write hangs, and takes what waits as one when it ends', async () => {
    let release = () => {};
    let hanging = false;
    let writes = 0;
    const disk = newDisk(1, ({ kind }) => {
      writes += kind === 'write-durably' ? 1 : 0;
      if (!hanging) return undefined;
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    const { log } = await openLog(disk, { segmentBytes: 65_536 });
    hanging = true;
    writes = 0;
    let acknowledged = 0;
    const all = steps.map((step) => log.append(step).then(() => (acknowledged += 1)));
    await settled();
    expect([acknowledged, writes]).toEqual([0, 1]);
    hanging = false;
    release();
    await Promise.all(all);
    expect([acknowledged, writes]).toEqual([COUNT, 2]);
    await log.close();
  });

  it('that was given up while a write hangs writes nothing more, and closes only when that has ended', async () => {
    const held: { kind: string; release: () => void }[] = [];
    let hanging = false;
    const disk = newDisk(1, ({ kind }) => {
      if (!hanging) return undefined;
      return new Promise<void>((release) => held.push({ kind, release }));
    });
    const { log, clock } = await openLog(disk);
    await log.append(steps[0] as LogAppend);
    hanging = true;
    const results = Promise.allSettled(steps.slice(1).map((step) => log.append(step)));
    await settled();
    expect(held).toHaveLength(1);
    const reason = new DiskStalled('given up', { stalledMs: 1 });
    let closed = false;
    const closing = log.close().catch(() => undefined);
    log.abandon(reason);
    const again = log.close().then(() => {
      closed = true;
    });
    expect((await results).map((result) => result.status === 'rejected' && result.reason)).toEqual(
      steps.slice(1).map(() => reason),
    );
    await settled();
    expect(closed).toBe(false);
    const { operations } = disk;
    hanging = false;
    held[0]?.release();
    await Promise.all([closing, again]);
    clock.advance(1000);
    await settled();
    expect(disk.operations).toBe(operations);
  });

  it('makes no segment after it was given up, whichever of the steps to it hung', async () => {
    for (const hangs of ['create', 'write-durably', 'rename', 'sync-directory'] as const) {
      let release: (() => void) | null = null;
      let hanging = false;
      const disk = newDisk(1, ({ kind, path }) => {
        if (!hanging || kind !== hangs || path.endsWith('0001.log') || release !== null) return undefined;
        return new Promise<void>((resolve) => {
          release = resolve;
        });
      });
      const { log } = await openLog(disk);
      hanging = true;
      const all = Promise.allSettled(steps.map((step) => log.append(step)));
      await settled();
      expect(release, hangs).not.toBeNull();
      log.abandon(new DiskStalled('given up', { stalledMs: 1 }));
      let closed = false;
      const closing = log.close().then(() => {
        closed = true;
      });
      await all;
      await settled();
      expect(closed, hangs).toBe(false);
      const { operations } = disk;
      (release as (() => void) | null)?.();
      await closing;
      await settled();
      expect(disk.operations, hangs).toBe(operations);
    }
  });

  it('goes on when space was freed before the next segment was needed, and has warned before', async () => {
    let full = false;
    const warnings: string[] = [];
    const disk = newDisk(1, ({ path, kind }) => {
      if (full && path.endsWith('.tmp') && kind === 'write-durably') throw systemError('ENOSPC');
    });
    const logger = { ...silentLogger, warn: (_: unknown, message: string) => warnings.push(message) };
    const { log } = await openLog(disk, { logger });
    full = true;
    let taken = 0;
    for (; warnings.length === 0; taken += 1) {
      await log.append(steps[taken] as LogAppend);
      await settled();
    }
    expect(warnings[0]).toContain('unless space is freed');
    full = false;
    for (const step of steps.slice(taken)) await log.append(step);
    await log.close();
    const { recovered } = await openLog(disk.crash('torn', { intercept: undefined }));
    expect(recovered.entries).toHaveLength(COUNT);
  });
});
