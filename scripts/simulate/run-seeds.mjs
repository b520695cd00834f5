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
  if (outcome.violation !== null) run.violations.push(outcome.violation);
  if (outcome.report === null || (seed - run.first + 1) % TWICE_EVERY !== 0) return;
  const violation = difference(seed, outcome, await runWorld(run.simulator, seed));
  if (violation !== null) run.violations.push({ ...violation, trace: await findParting(run.simulator, seed) });
}

/** Two further runs, to show where they part; null when these two agree. */
async function findParting(simulator, seed) {
  const one = await runWorld(simulator, seed, { keepTrace: true });
  const other = await runWorld(simulator, seed, { keepTrace: true });
  return parting(one.lines, other.lines);
}
