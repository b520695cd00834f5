/**
 * The log against a plain array, for whatever steps, groups, sizes of segments and crashes fast-check comes up with.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogAppend } from '../../../packages/quorate/src/node/storage/log-storage.js';
import { applyStep, emptyModel, type ModelState, plannedStep, type StepPlan, whichState } from './log-model.js';
import { newDisk, openLog, sealIdle } from './open-log.js';

const plan: fc.Arbitrary<StepPlan> = fc.record({
  terms: fc.constantFrom(0, 0, 0, 1, 3),
  vote: fc.constantFrom(null, 'n1', 'n2', 'ñ'.repeat(100)),
  superseded: fc.nat(4),
  entries: fc.array(fc.oneof(fc.nat(40), fc.nat(3000)), { maxLength: 4 }),
  committed: fc.nat(3),
});

type Command =
  | { readonly kind: 'append'; readonly plans: readonly StepPlan[] }
  | { readonly kind: 'seal' | 'reopen' | 'crash' };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('append'), plans: fc.array(plan, { minLength: 1, maxLength: 5 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('seal', 'reopen', 'crash') }) },
);

describe('the log and a plain array', () => {
  it('hold the same after any sequence of steps, seals, restarts and crashes', async () => {
    const options = fc.record({
      segmentBytes: fc.integer({ min: 8192, max: 20_000 }),
      maxBatchBytes: fc.constantFrom(1, 500, 100_000),
      seed: fc.nat(),
    });
    const property = fc.asyncProperty(
      fc.array(command, { maxLength: 12 }),
      options,
      async (commands, { seed, ...sizes }) => {
        let disk = newDisk(seed);
        let opened = await openLog(disk, sizes);
        let state: ModelState = emptyModel;
        for (const each of commands) {
          if (each.kind === 'append') {
            const steps: LogAppend[] = [];
            for (const next of each.plans) {
              const step = plannedStep(state, next);
              steps.push(step);
              state = applyStep(state, step);
            }
            await Promise.all(steps.map((step) => opened.log.append(step)));
            continue;
          }
          if (each.kind === 'seal') {
            await sealIdle(opened.clock);
            continue;
          }
          if (each.kind === 'crash') disk = disk.crash('lost');
          else await opened.log.close();
          opened = await openLog(disk, sizes);
          expect(whichState([state], opened.recovered)).toBe(0);
        }
        await opened.log.close();
        expect(whichState([state], (await openLog(disk, sizes)).recovered)).toBe(0);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });
});
