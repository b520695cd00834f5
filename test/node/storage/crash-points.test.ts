/**
 * A crash at every point: after each single operation on the disk, with what was not synced lost, kept or torn.
 * Whatever is left, the log has to hold every step that was acknowledged, nothing that was never handed to it, and
 * steps as a whole.
 */
import { describe, expect, it } from 'vitest';
import type { LogPosition } from '../../../packages/quorate/src/core/index.js';
import type { LogAppend } from '../../../packages/quorate/src/node/storage/log-storage.js';
import { Prng } from '../../../packages/quorate/src/testing/simulator/prng.js';
import type { SimulatedDisk } from '../../../packages/quorate/src/testing/simulator/simulated-disk.js';
import { applyStep, emptyModel, entryAt, type ModelState, plannedStep, statesAfter, whichState } from './log-model.js';
import { newDisk, type OpenedLog, openLog, sealIdle, systemError } from './open-log.js';

/**
 * What a workload does: hands steps to the log all at once and waits for them, lets it get idle, closes and opens it,
 * or tells it of a snapshot, up to which it may be cut.
 */
type Action = readonly LogAppend[] | 'seal' | 'reopen' | LogPosition;

interface Progress {
  issued: number;
  acknowledged: number;
}

/** Runs a workload; ends early, in silence, when the disk fails. */
async function run(disk: SimulatedDisk, workload: readonly Action[], progress: Progress): Promise<void> {
  let opened: OpenedLog | null = null;
  try {
    opened = await openLog(disk);
    for (const action of workload) {
      if (action === 'seal') await sealIdle(opened.clock);
      else if (action === 'reopen') {
        await opened.log.close();
        opened = await openLog(disk);
      } else if ('index' in action) {
        opened.log.snapshotted(action, action.index);
      } else {
        // The last of them is on its way before the first is: a disk can be asked for it within the call.
        progress.issued += action.length;
        const steps = action.map((step) =>
          (opened as OpenedLog).log.append(step).then(() => (progress.acknowledged += 1)),
        );
        const results = await Promise.allSettled(steps);
        if (results.some(({ status }) => status === 'rejected')) break;
      }
    }
    await opened.log.close();
  } catch (error) {
    if ((error as { code?: string }).code !== 'DiskFailed') throw error;
    await opened?.log.close();
  }
}

/** Steps of every kind, alone and together, over several segments. */
function workloadFrom(seed: number): readonly Action[] {
  const prng = new Prng(seed);
  let state: ModelState = emptyModel;
  const step = () => {
    const planned = plannedStep(state, {
      terms: prng.chance(0.3) ? prng.integer(1, 2) : 0,
      vote: prng.pick([null, 'n1', 'n2']),
      superseded: prng.integer(0, 3),
      entries: Array.from({ length: prng.integer(0, 3) }, () => prng.integer(0, prng.chance(0.3) ? 1200 : 60)),
      committed: prng.integer(0, 2),
    });
    state = applyStep(state, planned);
    return planned;
  };
  return Array.from({ length: 7 }, () => {
    const kind = prng.next();
    if (kind < 0.15) return 'seal';
    if (kind < 0.3) return 'reopen';
    return Array.from({ length: prng.integer(1, 4) }, step);
  });
}

function stepsOf(workload: readonly Action[]): readonly LogAppend[] {
  return workload.flatMap((action) => (typeof action === 'string' || 'index' in action ? [] : action));
}

/** Appends, supersedes, rolls, seals and opens again. */
const everything: readonly Action[] = [
  [{ hardState: { term: 1, vote: 'n1', commit: 0 }, entries: [] }],
  [
    {
      hardState: { term: 1, vote: 'n1', commit: 0 },
      entries: [entryAt(1, 1, 100), entryAt(2, 1, 700), entryAt(3, 1, 9)],
    },
  ],
  [
    { hardState: { term: 1, vote: 'n1', commit: 1 }, entries: [entryAt(4, 1, 600)] },
    { hardState: { term: 2, vote: null, commit: 1 }, entries: [entryAt(3, 2, 1300)] },
    { hardState: { term: 2, vote: 'n3', commit: 2 }, entries: [entryAt(4, 2, 1200)] },
  ],
  'seal',
  [{ hardState: { term: 2, vote: 'n3', commit: 4 }, entries: [entryAt(5, 2, 1), entryAt(6, 2, 2500)] }],
  'reopen',
  [{ hardState: { term: 5, vote: 'n2', commit: 4 }, entries: [entryAt(5, 5, 40)] }],
];

const large = (index: number, term: number) => entryAt(index, term, 2400);

/** The last entry of a file is superseded in the next one, and then both files go: one after the other. */
const cutting: readonly Action[] = [
  [{ hardState: { term: 1, vote: 'n1', commit: 0 }, entries: [large(1, 1), large(2, 1), large(3, 1)] }],
  [{ hardState: { term: 1, vote: 'n1', commit: 1 }, entries: [large(4, 1)] }],
  [{ hardState: { term: 2, vote: null, commit: 2 }, entries: [large(3, 2), large(4, 2)] }],
  [{ hardState: { term: 2, vote: null, commit: 4 }, entries: [large(5, 2)] }],
  { index: 4, term: 2 },
  [{ hardState: { term: 2, vote: null, commit: 5 }, entries: [large(6, 2), large(7, 2)] }],
  [{ hardState: { term: 2, vote: null, commit: 6 }, entries: [large(8, 2)] }],
];

/** Opens what a crash has left, and checks it. Returns which of the states it is. */
async function check(disk: SimulatedDisk, states: readonly ModelState[], range: Progress): Promise<number> {
  const { log, recovered } = await openLog(disk);
  await log.close();
  // The states keep all entries; the log, those behind its start.
  const { start } = recovered;
  const kept = states.map(({ hardState, entries }) => ({ hardState, entries: entries.slice(start.index) }));
  const state = whichState(kept.slice(0, range.issued + 1), recovered);
  expect(start.term).toBe(states[state]?.entries[start.index - 1]?.term ?? 0);
  expect(state, `one of the states ${range.acknowledged}..${range.issued}`).toBeGreaterThanOrEqual(range.acknowledged);
  return state;
}

const modes = ['lost', 'kept', 'torn', 'torn', 'torn'] as const;

/** Every point at which a workload can be cut short, with what is left then. Returns how many there were. */
async function crashEverywhere(seed: number, workload: readonly Action[]): Promise<number> {
  const states = statesAfter(stepsOf(workload));
  const progress = { issued: 0, acknowledged: 0 };
  const left: { readonly disk: SimulatedDisk; readonly range: Progress }[] = [];
  const disk = newDisk(seed, () => {
    for (const mode of modes)
      left.push({ disk: disk.afterCrash(mode, { intercept: undefined }), range: { ...progress } });
  });
  await run(disk, workload, progress);
  expect(progress.acknowledged).toBe(states.length - 1);
  for (const { disk: rest, range } of left) await check(rest, states, range);
  return left.length;
}

describe('after a loss of power at any point', () => {
  it('the log holds what was acknowledged, and nothing that was never handed to it', async () => {
    expect(await crashEverywhere(1, everything)).toBeGreaterThan(150);
  });

  it('the same, for workloads made at random', async () => {
    for (let seed = 1; seed <= 40; seed += 1) await crashEverywhere(seed, workloadFrom(seed));
  });

  it('the same, when it is cut off behind entries that were superseded', async () => {
    expect(await crashEverywhere(1, cutting)).toBeGreaterThan(100);
    const disk = newDisk(1);
    await run(disk, cutting, { issued: 0, acknowledged: 0 });
    expect((await openLog(disk)).recovered.start.index).toBe(4);
  });

  it('the same, when recovery itself is cut short at any point, and the log goes on afterwards', async () => {
    const states = statesAfter(stepsOf(everything));
    const progress = { issued: 0, acknowledged: 0 };
    const left: { readonly disk: SimulatedDisk; readonly range: Progress }[] = [];
    const disk = newDisk(3, () => {
      for (const mode of ['lost', 'torn'] as const) {
        left.push({ disk: disk.afterCrash(mode, { intercept: undefined }), range: { ...progress } });
      }
    });
    await run(disk, everything, progress);
    for (const { disk: first, range } of left) {
      const again: SimulatedDisk[] = [];
      const second = first.crash('kept', {
        intercept: () => {
          for (const mode of ['lost', 'torn'] as const) again.push(second.afterCrash(mode, { intercept: undefined }));
        },
      });
      const recovered = await check(second, states, range);
      // What was there to be found once must be found again: somebody may have acted on it.
      for (const third of again) await check(third, states, { ...range, issued: recovered });
      const { log } = await openLog(second);
      const more = plannedStep(states[recovered] as ModelState, {
        ...{ terms: 1, vote: 'n9', superseded: 1, entries: [20, 30], committed: 1 },
      });
      await log.append(more);
      const last = second.crash('lost', { intercept: undefined });
      expect(whichState([applyStep(states[recovered] as ModelState, more)], (await openLog(last)).recovered)).toBe(0);
    }
  });
});

/** Ends the process in one operation, opens the log in the next process, and then takes the power away. */
async function endThenLosePower(failing: number, end: 'killed' | 'failed'): Promise<boolean> {
  const states = statesAfter(stepsOf(everything));
  const progress = { issued: 0, acknowledged: 0 };
  let reached = false;
  const disk = newDisk(failing, ({ number }) => {
    if (number !== failing) return;
    reached = true;
    if (end === 'killed') disk.halt();
    throw systemError('EIO');
  });
  await run(disk, everything, progress);
  const during: SimulatedDisk[] = [];
  const second = disk.kill({
    intercept: () => {
      for (let i = 0; i < 4; i += 1) during.push(second.afterCrash('torn', { intercept: undefined }));
    },
  });
  const { recovered } = await openLog(second);
  for (const left of during) await check(left, states, progress);
  const seen = whichState(states, recovered);
  expect(seen).toBeGreaterThanOrEqual(progress.acknowledged);
  for (const mode of ['lost', 'torn'] as const) {
    await check(second.afterCrash(mode), states, { acknowledged: seen, issued: seen });
  }
  return reached;
}

describe('what a second process was told', () => {
  it('survives a loss of power, when the first was killed in any operation', async () => {
    let failing = 1;
    while (await endThenLosePower(failing, 'killed')) failing += 1;
    expect(failing).toBeGreaterThan(30);
  });

  it('survives a loss of power, when any operation of the first failed and the system forgot its pages', async () => {
    let failing = 1;
    while (await endThenLosePower(failing, 'failed')) failing += 1;
    expect(failing).toBeGreaterThan(30);
  });
});
