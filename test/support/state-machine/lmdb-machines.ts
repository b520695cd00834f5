/** Opens real LMDB state machines in directories of their own, and leaves none behind when a test has ended. */
import { renameSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import type { LmdbStateMachineParts } from '../../../packages/quorate/src/node/state-machine/lmdb/lmdb-options.js';
import { LmdbStateMachine } from '../../../packages/quorate/src/node/state-machine/lmdb/lmdb-state-machine.js';
import { NodeDisk } from '../../../packages/quorate/src/node/storage/node-disk.js';
import { type Command, definition, type Kinds, type Result } from './table-application.js';

export type Machine = LmdbStateMachine<Kinds, Command, Result>;
export type Parts = LmdbStateMachineParts<Kinds, Command, Result>;

/** A directory that is gone after the test. */
export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'quorate-lmdb-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Closed at the latest after the test. */
export async function openMachine(parts: { readonly path: string } & Partial<Parts>): Promise<Machine> {
  const machine = await LmdbStateMachine.open({
    ...{ definition, open, renameSync, clock: systemClock, disk: new NodeDisk(), logger: silentLogger },
    ...{ bootId: 'this boot' },
    ...parts,
  });
  onTestFinished(async () => {
    await machine.close().catch(reported);
  });
  return machine;
}

/** A test that wants to know how it closes has asked before. */
function reported(): void {}
