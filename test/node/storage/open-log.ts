/**
 * Opens logs on simulated disks, in segments as small as they get, under a clock that the test moves. Nothing here may
 * wait for real time.
 */

import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import type { LogStorage, RecoveredLog } from '../../../packages/quorate/src/node/storage/log-storage.js';
import {
  openWriteAheadLog,
  type WriteAheadLogOptions,
} from '../../../packages/quorate/src/node/storage/open-write-ahead-log.js';
import { Prng } from '../../../packages/quorate/src/testing/simulator/prng.js';
import {
  SimulatedDisk,
  type SimulatedDiskOptions,
} from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { ManualClock } from '../../support/manual-clock.js';

export const DIRECTORY = '/data/log';
export const IDENTITY = { clusterId: 'c0ffee', incarnation: '000102030405060708090a0b0c0d0e0f' } as const;
export const SEGMENT_BYTES = 8192;

export function newDisk(seed: number, intercept?: SimulatedDiskOptions['intercept']): SimulatedDisk {
  const prng = new Prng(seed);
  return new SimulatedDisk({ random: () => prng.next(), intercept });
}

export interface OpenedLog {
  readonly log: LogStorage;
  readonly recovered: RecoveredLog;
  readonly clock: ManualClock;
}

export async function openLog(
  disk: WriteAheadLogOptions['disk'],
  options: Partial<WriteAheadLogOptions> = {},
): Promise<OpenedLog> {
  const clock = new ManualClock();
  const defaults = {
    disk,
    clock,
    logger: silentLogger,
    directory: DIRECTORY,
    segmentBytes: SEGMENT_BYTES,
    ...IDENTITY,
  };
  return { ...(await openWriteAheadLog({ ...defaults, ...options })), clock };
}

/**
 * The simulated disk needs turns of the microtask queue only; one turn of the loop runs all that follow from each
 * other.
 */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets the seal timer of an idle log fire, and waits until the seal is durable. */
export async function sealIdle(clock: ManualClock): Promise<void> {
  await settled();
  clock.advance(50);
  await settled();
}

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}
