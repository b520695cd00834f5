/** Applying: in order, in slices, reported only when readers can see it. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../packages/quorate/src/core/index.js';
import { Applier } from '../../packages/quorate/src/node/applier.js';
import type { ApplyEntry, StateMachine } from '../../packages/quorate/src/node/state-machine/state-machine.js';
import { ManualClock } from '../support/manual-clock.js';

function setUp(costMs: number, failAt = Number.POSITIVE_INFINITY) {
  const clock = new ManualClock();
  const failing = new AbortController();
  const machine = {
    failed: failing.signal,
    appliedIndex: 0,
    apply(entries: readonly ApplyEntry[]) {
      if (entries.some(({ index }) => index >= failAt)) throw new Error('cannot apply');
      clock.block(costMs);
      machine.appliedIndex = entries.at(-1)?.index ?? machine.appliedIndex;
      return entries.map(({ index }) => index);
    },
  };
  const seen = { applied: [] as number[], visible: true, failures: [] as string[] };
  const applier = new Applier<number>({
    machine: machine as unknown as StateMachine<never, number, unknown>,
    clock,
    onApplied: ({ entries, results }) => {
      seen.visible &&= machine.appliedIndex === entries.at(-1)?.index;
      for (const result of results) seen.applied.push(result as number);
    },
    onFailure: ({ message }) => seen.failures.push(message),
  });
  return { clock, applier, seen, failing };
}

function entries(from: number, count: number): Entry[] {
  const rest = { term: 1, kind: 'command', timestampMs: 0, proposal: null, data: new Uint8Array(1) } as const;
  return Array.from({ length: count }, (_, i) => ({ index: from + i, ...rest }));
}

describe('the applier', () => {
  it('applies a small batch at once, in order, and reports what readers see', () => {
    const { applier, clock, seen } = setUp(0);
    applier.add(entries(1, 100));
    expect(seen.applied).toEqual(entries(1, 100).map(({ index }) => index));
    expect(seen.visible).toBe(true);
    expect(clock.deferred).toBe(0);
  });

  it('gives the loop a turn when a slice of time is over, and goes on where it was', () => {
    const { applier, clock, seen } = setUp(3);
    applier.add(entries(1, 64 * 5));
    expect(seen.applied).toHaveLength(64 * 2);
    applier.add(entries(64 * 5 + 1, 64));
    expect(seen.applied).toHaveLength(64 * 2);
    clock.turn();
    clock.turn();
    expect(seen.applied).toEqual(entries(1, 64 * 6).map(({ index }) => index));
  });

  it('stops for good when the state machine throws, and names the first index of the batch', () => {
    const { applier, seen } = setUp(0, 70);
    applier.add(entries(1, 200));
    expect(seen.applied).toHaveLength(64);
    expect(seen.failures).toEqual(['the state machine failed at index 65']);
    applier.add(entries(201, 5));
    expect(seen.applied).toHaveLength(64);
  });

  it('applies nothing more once stopped', () => {
    const { applier, clock, seen } = setUp(10);
    applier.add(entries(1, 64 * 3));
    applier.stop();
    clock.turn();
    expect(seen.applied).toHaveLength(64);
  });

  it('stops for good when the state machine says that it has failed, though nothing is applied', () => {
    const { applier, failing, seen } = setUp(0);
    applier.start();
    applier.add(entries(1, 3));
    failing.abort(new Error('its disk is gone'));
    expect(seen.failures).toEqual(['its disk is gone']);
    applier.add(entries(4, 1));
    expect(seen.applied).toEqual([1, 2, 3]);
  });

  it('notices a state machine that failed before it started', () => {
    const { applier, failing, seen } = setUp(0);
    failing.abort(new Error('its disk is gone'));
    applier.start();
    expect(seen.failures).toEqual(['its disk is gone']);
  });

  it('hears nothing of its state machine any more once stopped', () => {
    const { applier, failing, seen } = setUp(0);
    applier.start();
    applier.stop();
    expect(getEventListeners(failing.signal, 'abort')).toEqual([]);
    failing.abort(new Error('its disk is gone'));
    expect(seen.failures).toEqual([]);
  });
});
