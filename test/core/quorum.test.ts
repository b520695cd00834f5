/**
 * The arithmetic of majorities against the obvious slow version: an index is on a quorum when more than half of each
 * half of the configuration has it; a vote is won or lost when no further answer could change it (Raft dissertation,
 * section 4.3).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Configuration, NodeId } from '../../packages/quorate/src/core/index.js';
import { reachedByQuorum, voteOutcome } from '../../packages/quorate/src/core/quorum.js';

const IDS = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'] as const;
const RUNS = { numRuns: 2_000 };

const someIds = fc.uniqueArray(fc.constantFrom<NodeId>(...IDS));
const configurations: fc.Arbitrary<Configuration> = fc.record({
  voters: fc.uniqueArray(fc.constantFrom<NodeId>(...IDS), { minLength: 1 }),
  outgoing: fc.oneof(fc.constant([]), someIds),
  learners: someIds,
});

/** More than half of the voters, and of the outgoing ones where there are any. */
function isQuorum({ voters, outgoing }: Configuration, has: (id: NodeId) => boolean): boolean {
  const isMajority = (ids: readonly NodeId[]) => ids.length === 0 || 2 * ids.filter(has).length > ids.length;
  return isMajority(voters) && isMajority(outgoing);
}

describe('reachedByQuorum', () => {
  const reached = fc.dictionary(fc.constantFrom<string>(...IDS), fc.nat({ max: 10 }));

  it('is the largest number that a quorum has reached', () => {
    fc.assert(
      fc.property(configurations, reached, (configuration, numbers) => {
        const at = (id: NodeId) => numbers[id] ?? 0;
        const candidates = Array.from({ length: 11 }, (_, number) => number);
        const naive = Math.max(...candidates.filter((number) => isQuorum(configuration, (id) => at(id) >= number)));
        expect(reachedByQuorum(configuration, at)).toBe(naive);
      }),
      RUNS,
    );
  });

  it('asks voters only: learners and strangers change nothing', () => {
    fc.assert(
      fc.property(configurations, reached, (configuration, numbers) => {
        const isVoter = (id: NodeId) => configuration.voters.includes(id) || configuration.outgoing.includes(id);
        const withoutOthers = reachedByQuorum(configuration, (id) => (isVoter(id) ? (numbers[id] ?? 0) : 0));
        const withOthers = reachedByQuorum(configuration, (id) => (isVoter(id) ? (numbers[id] ?? 0) : 99));
        expect(withOthers).toBe(withoutOthers);
      }),
      RUNS,
    );
  });

  it('never goes back when a node gets further', () => {
    fc.assert(
      fc.property(configurations, reached, fc.constantFrom(...IDS), (configuration, numbers, lucky) => {
        const before = reachedByQuorum(configuration, (id) => numbers[id] ?? 0);
        const after = reachedByQuorum(configuration, (id) => (numbers[id] ?? 0) + (id === lucky ? 5 : 0));
        expect(after).toBeGreaterThanOrEqual(before);
      }),
      RUNS,
    );
  });

  it('does not depend on the order in which voters are named', () => {
    fc.assert(
      fc.property(configurations, reached, (configuration, numbers) => {
        const reversed = {
          voters: [...configuration.voters].reverse(),
          outgoing: [...configuration.outgoing].reverse(),
          learners: [],
        };
        const at = (id: NodeId) => numbers[id] ?? 0;
        expect(reachedByQuorum(reversed, at)).toBe(reachedByQuorum(configuration, at));
      }),
      RUNS,
    );
  });
});

describe('voteOutcome', () => {
  const votes = fc.dictionary(fc.constantFrom<string>(...IDS), fc.boolean());

  it('is won or lost exactly when no further answer could change it', () => {
    fc.assert(
      fc.property(configurations, votes, (configuration, cast) => {
        const grants = (otherwise: boolean) => isQuorum(configuration, (id) => cast[id] ?? otherwise);
        const naive = grants(false) ? 'won' : grants(true) ? 'pending' : 'lost';
        expect(voteOutcome(configuration, new Map(Object.entries(cast)))).toBe(naive);
      }),
      RUNS,
    );
  });

  it('two candidates never both win: any two quorums share a voter', () => {
    fc.assert(
      fc.property(configurations, votes, (configuration, cast) => {
        const one = new Map(Object.entries(cast));
        const other = new Map(IDS.map((id) => [id as NodeId, cast[id] !== true] as const));
        expect([voteOutcome(configuration, one), voteOutcome(configuration, other)]).not.toEqual(['won', 'won']);
      }),
      RUNS,
    );
  });
});
