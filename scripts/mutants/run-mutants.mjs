/**
 * Runs the suite under every mutant, two at a time, and under none: what is broken has to be caught by a check, and
 * what is not broken has to pass with as many seeds. It must never change the repository that it is run for.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from './child.mjs';
import { judgeSimulation, judgeTest } from './verdict.mjs';
import { applyPatch, makeCopy, removeCopy } from './working-copy.mjs';

/** Seeds of the unpatched copy, however few the mutants need. */
export const LEAST_SEEDS = 20;
const AT_ONCE = 2;

/**
 * `{ rows, unpatched }`: a row is a mutant with its verdict, in the order given; `unpatched` is null when the copy
 * without any mutant passes, otherwise why not. `settled(row)` is called as each ends. Rejects when `signal` fires.
 */
export async function runMutants(mutants, { root, seeds, timeoutMs, checkTypes, signal, settled }) {
  const context = { root, timeoutMs, checkTypes, signal };
  const tests = [...new Set(mutants.flatMap(({ test }) => test ?? []))];
  // First a few seeds: when the suite fails by itself, whatever it says of the mutants is worth nothing.
  const early = await runUnpatched(context, { seeds: LEAST_SEEDS, tests });
  if (early !== null) return { rows: [], unpatched: early };
  const rows = [];
  const waiting = mutants.entries();
  const work = async () => {
    for (const [position, mutant] of waiting) {
      rows[position] = { ...mutant, verdict: await runMutant(mutant, { ...context, seeds }) };
      settled(rows[position]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const needed = Math.max(0, ...rows.map(({ verdict }) => (verdict.kind === 'caught' ? verdict.seeds : 0)));
  const late = needed > LEAST_SEEDS ? await runUnpatched(context, { seeds: needed, tests: [] }) : null;
  return { rows, unpatched: late };
}

async function runMutant(mutant, context) {
  return inCopy(context, async (copy) => {
    const why = await applyPatch(copy, join(context.root, 'test/mutants', `${mutant.name}.patch`));
    if (why !== null) return { kind: 'crashed', why: `the patch does not apply any more: ${why}` };
    const error = context.checkTypes ? await typeErrorOf(copy, mutant) : null;
    if (error !== null) return { kind: 'crashed', why: `it does not compile: ${error}` };
    return mutant.test === null ? simulate(copy, context) : runTest(copy, mutant.test, context);
  });
}

/** The compiler is loaded only when it is asked. */
async function typeErrorOf(copy, { files }) {
  const { typeError } = await import('./types.mjs');
  return typeError(copy, files);
}

/** Null when everything passes, otherwise what did not. */
async function runUnpatched(context, { seeds, tests }) {
  return inCopy(context, async (copy) => {
    const verdict = await simulate(copy, { ...context, seeds });
    if (verdict.kind !== 'survived') return `the simulator with ${seeds} seeds: ${verdict.by ?? verdict.why}`;
    for (const test of tests) {
      const { kind, by, why } = await runTest(copy, test, context);
      if (kind !== 'survived') return `${test}: ${by ?? why}`;
    }
    return null;
  });
}

async function inCopy({ root, signal }, use) {
  signal.throwIfAborted();
  const copy = await makeCopy(root);
  try {
    const result = await use(copy);
    signal.throwIfAborted();
    return result;
  } finally {
    await removeCopy(copy);
  }
}

async function simulate(copy, { seeds, ...options }) {
  const args = ['scripts/simulate.mjs', '--seeds', String(seeds), '--json'];
  return judgeSimulation(await runChild(args, { cwd: copy, ...options }));
}

async function runTest(copy, test, options) {
  const file = join(copy, 'mutant-result.json');
  const reporters = ['--reporter=json', `--outputFile.json=${file}`];
  const run = await runChild(['node_modules/vitest/vitest.mjs', 'run', ...reporters, test], { cwd: copy, ...options });
  return judgeTest(run, existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null);
}
