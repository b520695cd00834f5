/** One world, run once or twice. What it did must depend on nothing but its seed, which the second run shows. */
import { judge } from './judge.mjs';

/**
 * Runs the seed: `{ report, lines, violation, crash }`, where the last two are null when all went well, and `report` is
 * null otherwise. `lines` is the whole trace with `keepTrace`; without it, the end of the trace of a failure. Errors
 * have a stack only with `stacks`, for making them takes 7 % of the time.
 */
export async function runWorld(simulator, seed, { keepTrace = false, stacks = false } = {}) {
  const limit = Error.stackTraceLimit;
  if (!stacks) Error.stackTraceLimit = 0;
  try {
    const world = new simulator.World({ seed, keepTrace });
    const report = await world.run();
    return { report, lines: keepTrace ? world.trace.lines : [], violation: null, crash: null };
  } catch (error) {
    const judged = judge(error, seed);
    return { report: null, lines: judged.violation?.trace ?? [], ...judged };
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** The violation of rule `determinism`, or null when both outcomes of the seed are the same. */
export function difference(seed, one, other) {
  if (textOf(one) === textOf(other)) return null;
  const message = `seed ${seed} ran in two ways: ${textOf(one)}; ${textOf(other)}`;
  return { seed, rule: 'determinism', message, plan: one.report?.plan ?? one.violation?.plan ?? null, trace: null };
}

/** Where two traces part, with the lines before it, as text; null when they are the same. */
export function parting(left, right) {
  const length = Math.max(left.length, right.length);
  for (let line = 0; line < length; line += 1) {
    if (left[line] === right[line]) continue;
    const before = left.slice(Math.max(0, line - 20), line);
    return [...before, `one:   ${left[line] ?? '(ended)'}`, `other: ${right[line] ?? '(ended)'}`];
  }
  return null;
}

function textOf({ report, violation, crash }) {
  if (report !== null) return `hash ${report.hash}`;
  return violation === null ? `crash ${crash.name}: ${crash.message}` : `violation ${violation.message}`;
}
