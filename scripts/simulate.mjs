/**
 * `npm run simulate -- [--seeds 500] [--from 1] [--minutes M] [--keep-going] [--json]` runs whole clusters in virtual
 * time, one seed after the other; `--seed S` replays one. Exit code: 0 without violations, 1 with one, 2 for wrong use,
 * 70 when the simulator itself broke, 130 when interrupted. With `--json` standard output is one line of JSON.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readOptions, runCommand, UsageError } from './options.mjs';
import { coverageViolations } from './simulate/coverage.mjs';
import { crashText, violationText } from './simulate/failure-text.mjs';
import { crashOf, judge } from './simulate/judge.mjs';
import { Progress } from './simulate/progress.mjs';
import { replay } from './simulate/replay.mjs';
import { runSeeds } from './simulate/run-seeds.mjs';
import { jsonResult, table } from './simulate/table.mjs';
import { Totals } from './simulate/totals.mjs';
import { installMissing, root } from './workspace.mjs';

const DEFAULT_SEEDS = 500;
const EXIT = { ok: 0, violation: 1, crash: 70, interrupted: 130 };

/** NaN: not given. */
const defaults = { seeds: Number.NaN, from: Number.NaN, seed: Number.NaN, minutes: Number.NaN };

await runCommand(() => main(readUsage(process.argv.slice(2))));

/** What is to be run: `{ first, last, seed, deadlineMs, keepGoing, json }`; `seed` is null unless one is replayed. */
function readUsage(args) {
  const options = readOptions(args, { ...defaults, keepGoing: false, json: false });
  const isGiven = (name) => !Number.isNaN(options[name]);
  for (const name of ['seeds', 'from', 'seed']) {
    if (isGiven(name) && !Number.isSafeInteger(options[name])) {
      throw new UsageError(`--${name} must be a whole number, received ${options[name]}`);
    }
  }
  for (const name of ['seeds', 'minutes']) {
    if (options[name] === 0) throw new UsageError(`--${name} must be above 0, received 0`);
  }
  const { keepGoing, json } = options;
  if (isGiven('seed')) {
    const others = ['seeds', 'from', 'minutes'].filter(isGiven);
    if (others.length > 0) throw new UsageError(`--seed replays one seed, and goes not with --${others[0]}`);
    return { first: options.seed, last: options.seed, seed: options.seed, deadlineMs: null, keepGoing, json };
  }
  const first = isGiven('from') ? options.from : 1;
  const unlimited = isGiven('minutes') ? Number.MAX_SAFE_INTEGER - first : DEFAULT_SEEDS;
  const last = first + (isGiven('seeds') ? options.seeds : unlimited) - 1;
  if (!Number.isSafeInteger(last)) throw new UsageError(`--from ${first} leaves no room for so many seeds`);
  return { first, last, seed: null, deadlineMs: isGiven('minutes') ? options.minutes * 60_000 : null, keepGoing, json };
}

async function main(usage) {
  const out = usage.json ? process.stderr : process.stdout;
  // What the library prints must not end up beside the result.
  if (usage.json) console.log = console.info = console.error;
  installMissing();
  await import('./typescript.mjs');
  const run = { ...usage, current: usage.first, violations: [], crash: null, interrupted: false };
  run.totals = new Totals();
  await watch(run, out, async () => {
    run.simulator = await import(pathToFileURL(join(root, 'packages/quorate/src/testing/simulator/index.ts')).href);
    // Loading is no simulating: the time that counts begins here.
    run.totals = new Totals();
    const progress = new Progress(usage, out);
    try {
      await (usage.seed === null ? runSeeds(run, progress) : replay(run));
    } finally {
      progress.end();
    }
  });
  if (run.crash === null && !run.interrupted && run.violations.length === 0) run.violations = coverageViolations(run);
  report(run, out);
}

/** Runs `work`. An interruption, and an error that nobody caught, end up in `run`, which heeds them between seeds. */
async function watch(run, out, work) {
  const interrupt = () => {
    run.interrupted = true;
  };
  const uncaught = (error) => {
    const { violation, crash } = judge(error, run.current);
    if (violation !== null) run.violations.push(violation);
    run.crash ??= crash;
  };
  const stuck = () => {
    // An error that nobody caught may well be why.
    if (run.violations.length === 0) run.crash ??= crashOf(new Error('nothing is left that could end it'), run.current);
    report(run, out);
    process.exit();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('uncaughtException', uncaught).on('beforeExit', stuck);
  try {
    await work();
  } catch (error) {
    run.crash ??= crashOf(error, run.current);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    process.off('uncaughtException', uncaught).off('beforeExit', stuck);
  }
}

function report(run, out) {
  out.write(`${table(run)}\n`);
  // Last, for that is what a terminal shows.
  for (const violation of run.violations) out.write(violationText(violation));
  if (run.crash !== null) out.write(crashText(run.crash));
  if (run.json) process.stdout.write(`${JSON.stringify(jsonResult(run))}\n`);
  process.exitCode = exitCode(run);
}

function exitCode({ crash, violations, interrupted }) {
  if (crash !== null) return EXIT.crash;
  if (violations.length > 0) return EXIT.violation;
  return interrupted ? EXIT.interrupted : EXIT.ok;
}
