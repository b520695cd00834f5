/**
 * The log against a plain array, for whatever steps, groups, sizes of segments and crashes fast-check comes up with.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../packages/quorate/src/core/index.js';
import type { LogAppend, RecoveredLog } from '../../../packages/quorate/src/node/storage/log-storage.js';
import {
  applyStep,
  emptyModel,
  entryAt,
  type ModelState,
  plannedStep,
  type StepPlan,
  whichState,
} from './log-model.js';
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
  | { readonly kind: 'cut'; readonly snapshot: number; readonly kept: number }
  | { readonly kind: 'begin anew'; readonly ahead: number }
  | { readonly kind: 'seal' | 'reopen' | 'crash' };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('append'), plans: fc.array(plan, { minLength: 1, maxLength: 5 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('cut'),
      snapshot: fc.double({ min: 0, max: 1, noNaN: true }),
      kept: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('begin anew'), ahead: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('seal', 'reopen', 'crash') }) },
);

/** The model keeps all entries; the log, those behind its start. */
function expectSame({ hardState, entries }: ModelState, recovered: RecoveredLog, cut: Cut): void {
  const { start } = recovered;
  expect(start.index).toBeLessThanOrEqual(cut.atMost);
  expect(start.index).toBeGreaterThanOrEqual(cut.atLeast);
  expect(start.term).toBe(entries[start.index - 1]?.term ?? 0);
  expect(start.timestampMs).toBe(entries[start.index - 1]?.timestampMs ?? 0);
  expect(whichState([{ hardState, entries: entries.slice(start.index) }], recovered)).toBe(0);
}

/** Where the log may begin, and where it has to. */
interface Cut {
  atMost: number;
  atLeast: number;
}

/** A snapshot of a leader's takes the place of a log that lacks its last entries. */
function beginAnew(state: ModelState, ahead: number): { readonly step: LogAppend; readonly state: ModelState } {
  const term = state.hardState.term + 1;
  const index = state.hardState.commit + ahead;
  const kept = state.entries.slice(0, state.hardState.commit);
  const entries = [...kept, ...Array.from({ length: ahead }, (_, i) => entryAt(kept.length + 1 + i, term, 8))];
  const { timestampMs } = entries.at(-1) as Entry;
  const hardState = { term, vote: null, commit: index };
  return { step: { restart: { index, term, timestampMs }, hardState, entries: [] }, state: { hardState, entries } };
}

describe('the log and a plain array', () => {
  it('hold the same after any sequence of steps, seals, cuts, new beginnings, restarts and crashes', async () => {
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
        const cut: Cut = { atMost: 0, atLeast: 0 };
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
          if (each.kind === 'cut') {
            const index = Math.floor(each.snapshot * state.hardState.commit);
            const cutIndex = Math.max(0, index - each.kept);
            opened.log.snapshotted({ index, term: state.entries[index - 1]?.term ?? 0 }, cutIndex);
            cut.atMost = Math.max(cut.atMost, cutIndex);
            continue;
          }
          if (each.kind === 'begin anew') {
            const { step, state: after } = beginAnew(state, each.ahead);
            await opened.log.append(step);
            state = after;
            cut.atMost = cut.atLeast = after.entries.length;
            continue;
          }
          if (each.kind === 'seal') {
            await sealIdle(opened.clock);
            continue;
          }
          if (each.kind === 'crash') disk = disk.crash('lost');
          else await opened.log.close();
          opened = await openLog(disk, sizes);
          expectSame(state, opened.recovered, cut);
          // What a log was told before is not known to the next life.
          cut.atLeast = Math.max(cut.atLeast, opened.recovered.start.index);
        }
        await opened.log.close();
        expectSame(state, (await openLog(disk, sizes)).recovered, cut);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });
});
