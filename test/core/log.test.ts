/**
 * The core's log against a plain array: random appends, merges, writes that become durable late, commits and
 * hand-outs, compared after each step with a model that keeps the whole history of the disk and works everything out
 * anew.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Entry, entryBytes } from '../../packages/quorate/src/core/index.js';
import { Log } from '../../packages/quorate/src/core/log.js';
import { entries, entry } from '../support/core.js';

type Operation =
  | { readonly kind: 'append'; readonly count: number }
  | { readonly kind: 'merge'; readonly back: number; readonly count: number; readonly sameTerm: boolean }
  | { readonly kind: 'take' }
  | { readonly kind: 'persist'; readonly steps: number }
  | { readonly kind: 'commit'; readonly forward: number }
  | { readonly kind: 'hand out'; readonly maxBytes: number }
  | { readonly kind: 'cut'; readonly share: number }
  | { readonly kind: 'restart'; readonly ahead: number };

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    kind: fc.constant('merge' as const),
    back: fc.integer({ min: 0, max: 5 }),
    count: fc.integer({ min: 0, max: 5 }),
    sameTerm: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('take' as const) }),
  fc.record({ kind: fc.constant('persist' as const), steps: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('commit' as const), forward: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ kind: fc.constant('hand out' as const), maxBytes: fc.constantFrom(1, 150, 10_000) }),
  fc.record({ kind: fc.constant('cut' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ kind: fc.constant('restart' as const), ahead: fc.integer({ min: 1, max: 8 }) }),
);

/** The log as one would write it down: what the node has, what the disk has, step by step. */
class Model {
  term = 1;
  log: Entry[] = [];
  disk: Entry[] = [];
  underWay: {
    readonly number: number;
    readonly entries: readonly Entry[];
    readonly replacesFrom: number;
    readonly restarts: boolean;
  }[] = [];
  lastStep = 0;
  committed = 0;
  handedOut = 0;
  /** So many entries are cut off. */
  start = 0;
  /** The log begins anew behind this index, and that is not durable yet; 0: it does not. */
  restoring = 0;
  /** What came before is the same in the old log. */
  restartedFrom = 0;

  write(fresh: readonly Entry[]): void {
    this.log = [...this.log.slice(0, (fresh[0] as Entry).index - 1), ...fresh];
  }

  persist(steps: number): void {
    for (const { entries: fresh } of this.underWay.splice(0, steps)) {
      if (fresh[0] !== undefined) this.disk = [...this.disk.slice(0, fresh[0].index - 1), ...fresh];
    }
  }

  /** How many entries of the log the disk has for good: no step under way will replace them. */
  get durable(): number {
    const replaced = Math.min(...this.underWay.map(({ replacesFrom }) => replacesFrom));
    let count = 0;
    while (count < this.log.length && count < replaced - 1 && this.disk[count] === this.log[count]) count += 1;
    return count;
  }
}

function run(log: Log, model: Model, step: Operation): void {
  switch (step.kind) {
    case 'append': {
      const fresh = entries(Array(step.count).fill(model.term), model.log.length + 1);
      log.append(fresh);
      model.write(fresh);
      return;
    }
    case 'merge': {
      merge(log, model, step);
      return;
    }
    case 'take': {
      model.lastStep += 1;
      const { restart, entries: taken } = log.takeUnpersisted(model.lastStep);
      const first = taken[0]?.index ?? Number.POSITIVE_INFINITY;
      // A snapshot has everything up to its end: it is on disk with the step, whatever was there.
      const whole = restart === null ? taken : [...model.log.slice(0, restart.index), ...taken];
      const replacesFrom = restart === null ? first : model.restartedFrom;
      model.underWay.push({ number: model.lastStep, entries: whole, replacesFrom, restarts: restart !== null });
      return;
    }
    case 'persist': {
      persist(log, model, step.steps);
      return;
    }
    case 'commit': {
      model.committed = Math.min(model.committed + step.forward, model.log.length);
      log.commitTo(model.committed);
      return;
    }
    case 'hand out': {
      const until = model.restoring > 0 ? model.handedOut : Math.min(model.committed, model.durable);
      const taken = log.takeCommitted(step.maxBytes);
      const expected = model.log.slice(model.handedOut, model.handedOut + taken.length);
      expect(taken).toEqual(expected);
      expect(taken.length > 0).toBe(until > model.handedOut);
      expect(model.handedOut + taken.length).toBeLessThanOrEqual(until);
      const bytes = taken.reduce((sum, each) => sum + entryBytes(each), 0);
      expect(taken.length <= 1 || bytes <= step.maxBytes).toBe(true);
      model.handedOut += taken.length;
      if (taken.length > 0) log.appliedTo(model.handedOut);
      return;
    }
    case 'cut': {
      model.start = Math.max(model.start, Math.floor(step.share * model.handedOut));
      log.cutTo(model.start);
      return;
    }
    case 'restart': {
      if (model.restoring > 0) return;
      const index = model.committed + step.ahead;
      model.term += 1;
      model.log.length = Math.min(model.log.length, model.committed);
      model.write(entries(Array(step.ahead).fill(model.term), model.committed + 1));
      log.restart({ index, term: model.term, timestampMs: 0 });
      model.restartedFrom = model.committed + 1;
      model.committed = model.start = model.restoring = index;
      return;
    }
  }
}

function persist(log: Log, model: Model, steps: number): void {
  const last = model.underWay[Math.min(steps, model.underWay.length) - 1];
  if (last === undefined) return;
  const restarts = model.underWay.slice(0, steps).some((each) => each.restarts);
  model.persist(steps);
  log.persisted(last.number);
  if (!restarts) return;
  log.appliedTo(model.restoring);
  model.handedOut = model.restoring;
  model.restoring = 0;
}

/**
 * A leader's append: it begins somewhere behind the committed part and either repeats what is there or is of a new
 * term.
 */
function merge(log: Log, model: Model, { back, count, sameTerm }: Operation & { kind: 'merge' }): void {
  const previous = Math.max(model.committed, model.log.length - back);
  if (sameTerm) {
    log.merge(model.log.slice(previous, previous + count).map((each) => ({ ...each })));
    return;
  }
  if (count === 0) return;
  model.term += 1;
  const fresh = entries(Array(count).fill(model.term), previous + 1);
  log.merge(fresh);
  model.write(fresh);
}

function bytesOf(some: readonly Entry[]): number {
  return some.reduce((sum, each) => sum + entryBytes(each), 0);
}

describe('Log', () => {
  it('behaves like a plain array with a slow disk', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const log = new Log([], 0, 0);
        const model = new Model();
        for (const step of operations) {
          run(log, model, step);
          expect(log.lastIndex).toBe(model.log.length);
          const { start } = model;
          expect(log.start).toMatchObject({ index: start, term: model.log[start - 1]?.term ?? 0 });
          expect(log.entriesFrom(start + 1, Number.POSITIVE_INFINITY)).toEqual(model.log.slice(start));
          for (const index of [start, start + 1, log.lastIndex]) {
            if (index > 0) expect(log.termAt(index)).toBe(model.log[index - 1]?.term ?? -1);
            expect(log.bytesBetween(index, log.lastIndex)).toBe(bytesOf(model.log.slice(index)));
          }
          expect(log.committed).toBe(model.committed);
          expect(log.applied).toBe(model.handedOut);
          // The log may know of less than the disk has, never of more.
          expect(log.durable).toBeLessThanOrEqual(model.durable);
          if (!log.hasUnpersisted && model.underWay.length === 0) expect(log.durable).toBe(model.log.length);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('finds the last index within a term as a search from the end would', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 })), fc.nat(40), fc.nat(40), (steps, index, term) => {
        let last = 1;
        const terms = steps.map((step) => {
          last += step;
          return last;
        });
        const log = new Log(entries(terms), 0, 0);
        let naive = Math.min(index, terms.length);
        while (naive > 0 && (terms[naive - 1] as number) > term) naive -= 1;
        expect(log.lastIndexWithin(index, term)).toBe(naive);
      }),
    );
  });

  it('cuts what it sends at the limit, but sends at least one entry', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.integer({ min: 1, max: 22 }), fc.nat(2_000), (length, from, maxBytes) => {
        const all = entries(Array(length).fill(1));
        const sent = new Log(all, 0, 0).entriesFrom(from, maxBytes);
        expect(sent).toEqual(all.slice(from - 1, from - 1 + sent.length));
        const bytes = (some: readonly Entry[]) => some.reduce((sum, each) => sum + entryBytes(each), 0);
        if (sent.length > 1) expect(bytes(sent)).toBeLessThanOrEqual(maxBytes);
        const next = all[from - 1 + sent.length];
        if (next !== undefined) expect(sent.length > 0 && bytes([...sent, next]) > maxBytes).toBe(true);
      }),
    );
  });

  it('is the same log when it begins behind a snapshot', () => {
    const all = entries([1, 1, 2, 2, 5]);
    const cut = new Log(all, 4, 4);
    cut.cutTo(3);
    cut.cutTo(2);
    const opened = new Log(all.slice(3), 4, 4, { index: 3, term: 2, timestampMs: all[2]?.timestampMs ?? 0 });
    for (const log of [cut, opened]) {
      expect(log.start).toMatchObject({ index: 3, term: 2 });
      expect([log.termAt(2), log.termAt(3), log.termAt(4), log.termAt(5), log.termAt(6)]).toEqual([-1, 2, 2, 5, -1]);
      expect(log.last).toEqual({ index: 5, term: 5 });
      expect(log.lastTimestampMs).toBe(all[4]?.timestampMs);
      // Down to where it was cut, and no further: that part is committed, and the same everywhere.
      expect(log.lastIndexWithin(5, 1)).toBe(3);
      expect(log.lastIndexWithin(2, 1)).toBe(2);
      log.merge(all.map((each) => ({ ...each })));
      expect(log.entriesFrom(4, 1_000)).toEqual(all.slice(3));
      expect(() => log.entriesFrom(3, 1_000)).toThrow(/entries that were cut off are not sent/);
    }
  });

  it('is not cut where a snapshot could not be yet', () => {
    const log = new Log(entries([1, 1, 1]), 2, 1);
    expect(() => log.cutTo(2)).toThrow(/only what is applied and durable is cut off/);
  });

  it('refuses to replace a committed entry', () => {
    const log = new Log(entries([1, 1, 1]), 2, 0);
    expect(() => log.merge([entry(2, 2)])).toThrow(/a committed entry is never replaced/);
  });

  it.each([
    ['a gap', [entry(1, 1), entry(3, 1)], 0, 0],
    ['terms that decrease', [entry(1, 2), entry(2, 1)], 0, 0],
    ['a commit index behind its end', [entry(1, 1)], 2, 0],
    ['a state machine that is ahead of it', [entry(1, 1)], 1, 2],
  ])('does not open with %s', (_, found, committed, applied) => {
    expect(() => new Log(found, committed, applied)).toThrow(/invariant violated/);
  });

  it('knows where it could begin to hold so many bytes, and that one entry stays', () => {
    const log = new Log(entries([1, 1, 1, 1]), 0, 0);
    const one = entryBytes(entries([1])[0] as Entry);
    expect([0, one, 2 * one, 3.5 * one, 100 * one].map((bytes) => log.startWithin(bytes))).toEqual([3, 3, 2, 1, 0]);
    expect(new Log([], 0, 0).startWithin(10)).toBe(0);
  });
});
