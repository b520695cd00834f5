/**
 * The system that Quorate learned from, in the world: clients read with its algorithm as deployed, on real nodes, and a
 * check of reads catches it; so does each of its traits alone in an otherwise right reader. The same harness with
 * nothing wrong passes the same seeds. A reader that throws or hangs must never pass for one that was caught.
 */
import { describe, expect, it } from 'vitest';
import {
  type CreateReader,
  type Plan,
  SimulationFailure,
  Violation,
  World,
} from '../../packages/quorate/src/testing/simulator/index.js';
import { hurried, replaying, undisturbed } from '../support/plans.js';
import { CHECK_INTERVAL_MS } from '../support/reference-reader.js';
import { holdAcknowledgements } from './support/held-acknowledgements.js';
import { AS_DEPLOYED, type ReferenceTraits, RIGHT, withTraits } from './support/reference-traits.js';

/** Most of them break the rule that is expected, so one of them does whatever a change of the simulator draws. */
const SEEDS = [1, 2, 3, 4, 5, 6];
/** Time for one more change of leader, and for what it leaves behind, before the recovery begins. */
const LAST_STRIKE_MS = 1_500;

interface Circumstances {
  readonly plan: (drawn: Plan) => Plan;
  /** Leaders are stopped, and what their followers acknowledged is held back until another one leads. */
  readonly strikes: boolean;
}

interface Outcome {
  /** The rule that was broken, and how; null when all were kept. */
  readonly broken: string | null;
  readonly strikes: number;
  /** Of every read that was answered by the product's `StateReader`: how long it waited for the state, in ms. */
  readonly waits: readonly number[];
}

async function run(seed: number, traits: ReferenceTraits, circumstances: Circumstances): Promise<Outcome> {
  const { plan, strikes } = circumstances;
  const waits: number[] = [];
  const { create, createReader } = withTraits(traits);
  const world = new World({ seed, plan, create, createReader: timed(createReader, waits) });
  const struck = strikes ? holdAcknowledgements(world, LAST_STRIKE_MS) : { count: 0 };
  let broken: string | null = null;
  try {
    await world.run();
  } catch (error) {
    if (!(error instanceof SimulationFailure) || !(error.cause instanceof Violation)) throw error;
    broken = error.cause.message;
  }
  return { broken, strikes: struck.count, waits };
}

function timed(createReader: CreateReader<unknown, unknown, unknown>, waits: number[]): typeof createReader {
  return (parts) => {
    const reader = createReader(parts);
    return {
      waitLeaderCommitIndexApplied: (options) => reader.waitLeaderCommitIndexApplied(options),
      consistentRead: async (fn, options) => {
        const result = await reader.consistentRead(fn, options);
        waits.push(result.waited.applyMs);
        return result;
      },
    };
  };
}

/** What the first seed that breaks a rule breaks; null when none of `SEEDS` does. */
async function firstCaught(traits: ReferenceTraits, circumstances: Circumstances): Promise<string | null> {
  for (const seed of SEEDS) {
    const { broken } = await run(seed, traits, circumstances);
    if (broken !== null) return broken;
  }
  return null;
}

async function outcomes(traits: ReferenceTraits, circumstances: Circumstances): Promise<readonly Outcome[]> {
  const all: Outcome[] = [];
  for (const seed of SEEDS) all.push(await run(seed, traits, circumstances));
  return all;
}

/** Of the reads that had to wait for the state. */
function waitsOf(all: readonly Outcome[]): readonly number[] {
  return all.flatMap(({ waits }) => waits.filter((waitMs) => waitMs > 0)).sort((a, b) => a - b);
}

const NOTHING_BROKEN = SEEDS.map(() => null);
const quiet: Circumstances = { plan: undisturbed, strikes: false };
const replays: Circumstances = { plan: replaying, strikes: false };
const heldBack: Circumstances = { plan: undisturbed, strikes: true };
const inAHurry: Circumstances = { plan: hurried, strikes: true };

const CASES = [
  {
    where: 'nodes replay their logs',
    circumstances: replays,
    only: 'the index of what is queued',
    trait: { index: 'queued' },
    broken: /^read freshness: a view has reached its bound/,
  },
  {
    where: 'acknowledgements are held back',
    circumstances: heldBack,
    only: 'acknowledgements of the past',
    trait: { acknowledgements: 'any' },
    broken: /^read freshness: the bound covers what was acknowledged before/,
  },
  {
    where: 'callers cannot wait for a leader',
    circumstances: inAHurry,
    only: 'polling that forgets its caller',
    trait: { waits: 'polls as deployed' },
    broken: /^deadline: every read ends by its deadline/,
  },
] as const;
/** With three traits at once, another of them may show first. */
const ANY_OF_THEM = new RegExp(CASES.map(({ broken }) => broken.source).join('|'));

describe.each(CASES.map((one) => [one.where, one] as const))('where %s, the world', (_, one) => {
  const { circumstances, only, trait, broken } = one;

  it("catches the reference's reader as deployed", async () => {
    expect(await firstCaught(AS_DEPLOYED, circumstances)).toMatch(ANY_OF_THEM);
  });

  it(`catches one that has nothing of it but ${only}`, async () => {
    expect(await firstCaught({ ...RIGHT, ...trait }, circumstances)).toMatch(broken);
  });

  it('finds nothing on the same seeds in one that has nothing of it', async () => {
    const all = await outcomes(RIGHT, circumstances);
    expect(all.map(({ broken }) => broken)).toEqual(NOTHING_BROKEN);
    expect(waitsOf(all).length, 'reads that had to wait for the state').toBeGreaterThan(0);
    if (circumstances.strikes) expect(Math.min(...all.map(({ strikes }) => strikes))).toBeGreaterThan(0);
  });
});

describe("the reference's reader", () => {
  it('works while nothing happens to its cluster: what is caught is no crash', async () => {
    const all = await outcomes(AS_DEPLOYED, quiet);
    expect(all.map(({ broken }) => broken)).toEqual(NOTHING_BROKEN);
  });

  it('is slow for its polling: reads run out of time for what is there, though it heeds their deadlines', async () => {
    const polls = { ...RIGHT, waits: 'polls' } as const;
    expect(await firstCaught(polls, inAHurry)).toMatch(/^woken: nobody waits for an index that is applied/);
    const polled = await outcomes(polls, inAHurry);
    const woken = await outcomes(RIGHT, inAHurry);
    // Simulated times are sums of fractions.
    expect(waitsOf(polled)[0]).toBeGreaterThan(CHECK_INTERVAL_MS - 0.001);
    const median = (waits: readonly number[]) => waits[Math.floor(waits.length / 2)] ?? Number.NaN;
    expect(median(waitsOf(woken))).toBeLessThan(median(waitsOf(polled)));
  });
});
