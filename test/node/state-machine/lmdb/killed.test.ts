/** A process with a state in LMDB is killed, again and again: what is left is the state at its index, torn nowhere. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { leaveAsIs } from '../../../support/state-machine/crashes.js';
import { openMachine, temporaryDirectory } from '../../../support/state-machine/lmdb-machines.js';
import { randomCommands } from '../../../support/state-machine/random-commands.js';
import { applyAll, contents, createMemoryMachine } from '../../../support/state-machine/table-application.js';

const SEED = 7;
const COUNT = 20_000;
const commands = randomCommands(SEED, COUNT);

const typescript = new URL('../../../../scripts/typescript.mjs', import.meta.url).href;
const program = fileURLToPath(new URL('../../../support/state-machine/lmdb-child.ts', import.meta.url));

/** Runs until it dies: by itself at `dieAt`, or killed `killAfterMs` after its first batch. The last index shown. */
async function runUntilKilled(path: string, { dieAt = 0, killAfterMs = -1 }): Promise<number> {
  const args = ['--import', typescript, program, path, String(SEED), String(COUNT), String(dieAt)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  const exited = once(child, 'close');
  if (killAfterMs >= 0) {
    await once(child.stdout, 'data');
    await pause(killAfterMs);
    child.kill('SIGKILL');
  }
  const [code, signal] = await exited;
  expect([code, signal]).toEqual([null, 'SIGKILL']);
  return Math.max(0, ...shown.split('\n').slice(0, -1).map(Number));
}

/** What the directory shows now is what the commands up to its index do. Answers that index. */
async function check(path: string, memory: ReturnType<typeof createMemoryMachine>): Promise<number> {
  const copy = join(await temporaryDirectory(), 'left');
  leaveAsIs(path, copy);
  const machine = await openMachine({ path: copy });
  applyAll(memory, commands.slice(memory.appliedIndex, machine.appliedIndex));
  expect([machine.appliedIndex, machine.appliedTerm]).toEqual([memory.appliedIndex, memory.appliedTerm]);
  expect(machine.read(contents)).toEqual(memory.read(contents));
  await machine.close();
  return machine.appliedIndex;
}

describe('a process that is killed', () => {
  it('in the middle of a batch leaves the state before that batch', async () => {
    const path = await temporaryDirectory();
    const dieAt = 1 + 500 + commands.slice(500).findIndex((command) => command !== null);
    const shown = await runUntilKilled(path, { dieAt });
    expect(await check(path, createMemoryMachine())).toBe(shown);
    expect(shown).toBe(dieAt - 1 - ((dieAt - 1) % 16));
  }, 120_000);

  it('at any moment leaves the state at its index, with everything that it had shown', async () => {
    const path = await temporaryDirectory();
    const memory = createMemoryMachine();
    let before = 0;
    for (const killAfterMs of [0, 23]) {
      const shown = await runUntilKilled(path, { killAfterMs });
      const applied = await check(path, memory);
      expect(applied).toBeGreaterThanOrEqual(shown);
      expect(applied).toBeGreaterThan(before);
      before = applied;
    }
    if (before === COUNT) throw new Error('it was through before it was killed: give it more to do');
  }, 120_000);
});
