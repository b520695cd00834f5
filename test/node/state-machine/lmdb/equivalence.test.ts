/**
 * The state in LMDB against the one in memory, for whatever commands, batches, restarts, crashes, boots of the system
 * and restores fast-check comes up with.
 */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaveAsIs } from '../../../support/state-machine/crashes.js';
import { openMachine, temporaryDirectory } from '../../../support/state-machine/lmdb-machines.js';
import {
  applyAll,
  type Command,
  contents,
  createMemoryMachine,
} from '../../../support/state-machine/table-application.js';

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'c', '\0', 'é', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{10ffff}'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
  fc.constantFrom('k'.repeat(1_023), 'k'.repeat(1_024), '\u{1f600}'.repeat(256)),
);
const value = fc.oneof(fc.string({ maxLength: 20 }), fc.constant('v'.repeat(5_000)));
const command: fc.Arbitrary<Command | null> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('set' as const), key, value }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('append' as const), key, add: value }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete-range' as const), from: key, count: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('grow' as const), from: key, count: fc.nat(4) }) },
);

type Step =
  | { readonly kind: 'apply'; readonly commands: readonly (Command | null)[]; readonly batchSize: number }
  | { readonly kind: 'restart' | 'crash' | 'new boot' | 'restore' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('apply' as const),
      commands: fc.array(command, { minLength: 1, maxLength: 40 }),
      batchSize: fc.integer({ min: 1, max: 64 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('restart', 'crash', 'new boot', 'restore') }) },
);

describe('the state in LMDB', () => {
  it('is that in memory after every step', async () => {
    const root = await temporaryDirectory();
    let directories = 0;
    const newPath = () => {
      directories += 1;
      return join(root, String(directories));
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const memory = createMemoryMachine();
        const log: (Command | null)[] = [];
        let path = newPath();
        let boot = 1;
        let machine = await openMachine({ path, bootId: 'boot 1' });
        for (const { kind, ...batch } of steps) {
          const before = path;
          if (kind === 'apply') {
            const { commands, batchSize } = batch as Extract<Step, { kind: 'apply' }>;
            log.push(...commands);
            expect(applyAll(machine, commands, batchSize)).toEqual(applyAll(memory, commands, 64));
          } else if (kind === 'restore') {
            const snapshot = machine.snapshot();
            (await machine.restore(snapshot.chunks, snapshot)).swap();
          } else {
            if (kind !== 'restart') {
              path = newPath();
              leaveAsIs(before, path);
            }
            if (kind === 'new boot') boot += 1;
            await machine.close();
            machine = await openMachine({ path, bootId: `boot ${boot}` });
            expect(machine.appliedIndex).toBe(kind === 'new boot' ? 0 : log.length);
            applyAll(machine, log.slice(machine.appliedIndex));
          }
          expect(machine.read(contents)).toEqual(memory.read(contents));
          expect([machine.appliedIndex, machine.appliedTerm]).toEqual([memory.appliedIndex, memory.appliedTerm]);
        }
        await machine.close();
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});
