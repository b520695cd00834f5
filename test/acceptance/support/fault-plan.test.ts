/** The schedule of the faults comes from the seed alone, and leaves none out. */
import { expect, it } from 'vitest';
import { Prng } from '../../../packages/quorate/src/testing/simulator/prng.js';
import { type Fault, faultPlan, networkFaults, processFaults } from './fault-plan.js';

const kinds = [...processFaults, ...networkFaults];

function drawn(seed: number, count: number): readonly Fault[] {
  const plan = faultPlan(kinds, { random: new Prng(seed), nodes: 5, maxHoldMs: 10_000 });
  return Array.from({ length: count }, () => plan.next().value as Fault);
}

it('the same seed gives the same plan, another seed another', () => {
  expect(drawn(7, 50)).toEqual(drawn(7, 50));
  expect(drawn(7, 50)).not.toEqual(drawn(8, 50));
});

it('every kind comes once in each turn', () => {
  const faults = drawn(1, 10 * kinds.length);
  for (let turn = 0; turn < 10; turn += 1) {
    const inTurn = faults.slice(turn * kinds.length, (turn + 1) * kinds.length).map(({ kind }) => kind);
    expect(inTurn.sort()).toEqual([...kinds].sort());
  }
});

it('pauses last one to ten seconds, and partitions cut off a minority', () => {
  for (const { kind, holdMs, victims, leader } of drawn(3, 2_000)) {
    if (kind === 'pause') expect(holdMs).toBeGreaterThanOrEqual(1_000);
    expect(holdMs).toBeLessThanOrEqual(10_000);
    if (kind === 'leader-in-minority') expect([victims < 3, leader]).toEqual([true, 'first']);
    if (kind === 'leader-in-majority') expect([victims < 3, leader]).toEqual([true, 'last']);
  }
});

it('without a kind there is no plan', () => {
  expect([...faultPlan([], { random: new Prng(1), nodes: 5, maxHoldMs: 1 })]).toEqual([]);
});
