/** Whether the runs have met what they are there to meet: a fault that never struck proves nothing. */
import { LEAST } from './least.mjs';
import { words } from './plan-text.mjs';

/** Fewer seeds need not have every fault. */
const FEWEST_SEEDS = 100;

/** The violations of rule `coverage`, one at most, for runs without other violations. */
export function coverageViolations({ totals, current }) {
  if (totals.seeds < FEWEST_SEEDS) return [];
  const missing = [];
  for (const [name, least] of Object.entries(LEAST)) {
    const wanted = Math.ceil((least * totals.seeds) / 100);
    if (totals.count(name) < wanted) missing.push(`${name}: ${totals.count(name)}, at least ${wanted}`);
  }
  for (const fault of totals.faults) {
    const isOf = (name) => name === words(fault) || name.endsWith(` ${words(fault)}`);
    const times = [...totals.counts].reduce((sum, [name, count]) => sum + (isOf(name) ? count : 0), 0);
    if (times === 0) missing.push(`${words(fault)}: 0, though plans have it`);
  }
  if (missing.length === 0) return [];
  const message = `too rare in ${totals.seeds} seeds: ${missing.join('; ')}`;
  return [{ seed: current, rule: 'coverage', message, plan: null, trace: null }];
}
