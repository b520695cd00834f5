/**
 * Every seed that has ever failed is run for ever: `seeds.json` lists it with the day it was found and what it showed.
 * A seed keeps its meaning only as long as plans are drawn in the same way: where the drawing changes, it is another
 * world, worth no more than any other, and the defect needs a test of its own.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { World } from '../../packages/quorate/src/testing/simulator/index.js';

interface FailedSeed {
  readonly seed: number;
  /** The day, as in 2026-11-23. */
  readonly found: string;
  /** A sentence: the rule that broke, and why. */
  readonly what: string;
}

const seeds: readonly FailedSeed[] = JSON.parse(readFileSync(new URL('seeds.json', import.meta.url), 'utf8'));

describe('the seeds that failed once', () => {
  it('are listed once each, with the day and what they showed', () => {
    expect(new Set(seeds.map(({ seed }) => seed)).size).toBe(seeds.length);
    for (const { seed, found, what } of seeds) {
      expect(Number.isSafeInteger(seed), `seed ${seed}`).toBe(true);
      expect(found, `the day of seed ${seed}`).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      expect(what, `what seed ${seed} showed`).toMatch(/^\S.{10,}\.$/);
    }
  });

  it.each(seeds)('pass: seed $seed, $what', async ({ seed }) => {
    const { counts } = await new World({ seed }).run();
    expect(counts.get('election') ?? 0).toBeGreaterThan(0);
  });
});
