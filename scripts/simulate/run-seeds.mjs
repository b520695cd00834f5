/** Runs seeds one after the other and adds up what happened. It must never go on after a crash of the simulator. */
import { setImmediate } from 'node:timers/promises';
import { difference, parting, runWorld } from './run-world.mjs';

/** Every so many seeds one is run again, to see that it does the same. */
const TWICE_EVERY = 50;

/** Ends after `run.last`, at the deadline, at the first violation unless `run.keepGoing`, or when interrupted. */
export async function runSeeds(run, progress) {
  const startedAt = performance.now();
  for (let seed = run.first; seed <= run.last; seed += 1) {
    run.current = seed;
    await runSeed(run, seed);
    // Signals, and rejections that nobody handled, arrive here; the latter belong to this seed.
    await setImmediate();
    if (run.crash !== null) await addStack(run);
    progress.ran(run);
    if (run.interrupted || run.crash !== null) return;
    if (run.violations.length > 0 && !run.keepGoing) return;
    if (run.deadlineMs !== null && performance.now() - startedAt >= run.deadlineMs) return;
  }
}

async function runSeed(run, seed) {
  const outcome = await runWorld(run.simulator, seed);
  run.totals.add(outcome.report);
  run.crash ??= outcome.crash;
  if (outcome.violation !== null) run.violations.push(...(await withWholeTrace(run.simulator, seed, outcome)));
  if (outcome.report === null || (seed - run.first + 1) % TWICE_EVERY !== 0) return;
  const violation = difference(seed, outcome, await runWorld(run.simulator, seed));
  if (violation !== null) run.violations.push({ ...violation, trace: await findParting(run.simulator, seed) });
}

/** The violation with its whole trace, from a run that keeps it; when that run went in another way, both findings. */
async function withWholeTrace(simulator, seed, outcome) {
  const again = await runWorld(simulator, seed, { keepTrace: true });
  const other = difference(seed, outcome, again);
  return other === null ? [again.violation] : [outcome.violation, other];
}

/** The seed runs again with stacks. What else that run finds is known already. */
async function addStack(run) {
  const { crash, violations } = run;
  Object.assign(run, { crash: null, violations: [] });
  const again = await runWorld(run.simulator, crash.seed, { stacks: true });
  // Rejections that nobody handled arrive here.
  await setImmediate();
  const comesAndGoes = { ...crash, stack: '', message: `${crash.message} (but not when the seed was run again)` };
  Object.assign(run, { crash: again.crash ?? run.crash ?? comesAndGoes, violations });
}

/** Two further runs, to show where they part; null when these two agree. */
async function findParting(simulator, seed) {
  const one = await runWorld(simulator, seed, { keepTrace: true });
  const other = await runWorld(simulator, seed, { keepTrace: true });
  return parting(one.lines, other.lines);
}
