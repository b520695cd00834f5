/** What the checker says beside its verdict: explanations, limits, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { InvalidArgument } from '../../../packages/quorate/src/errors/index.js';
import { checkHistory } from '../../../packages/quorate/src/testing/checker/index.js';
import { type HistoryEvent, MalformedHistory } from '../../../packages/quorate/src/testing/history/index.js';
import { random } from './brute-force.js';

type Call = readonly [process: number, type: HistoryEvent['type'], f: HistoryEvent['f'], value: unknown, key?: string];

function events(...calls: readonly Call[]): HistoryEvent[] {
  return calls.map(([process, type, f, value, key = 'k'], time) => ({ process, type, f, key, value, time }));
}

/** Write 1, write 2, and a read of 1 that began after both. */
const stale = events(
  [1, 'invoke', 'write', 1],
  [1, 'ok', 'write', 1],
  [1, 'invoke', 'write', 2],
  [1, 'ok', 'write', 2],
  [2, 'invoke', 'read', null],
  [3, 'invoke', 'write', 5],
  [2, 'ok', 'read', 1],
  [3, 'ok', 'write', 5],
);

describe('an explanation', () => {
  it('names the key, the longest linearizable prefix with an order, and the operation without a place', () => {
    const other = events([9, 'invoke', 'write', 1, 'fine'], [9, 'ok', 'write', 1, 'fine']);
    const result = checkHistory([...other, ...stale], { model: 'register' });
    expect(result).toMatchObject({ verdict: 'not-linearizable', operations: 5, keys: 2 });
    expect(result.explanation?.split('\n')).toEqual([
      'key "k" is not linearizable (4 operations).',
      'Longest linearizable prefix: the 4 operations, 2 of unknown outcome called before event 9.',
      'An order of it, with what the key holds after each operation:',
      '  process 1: write 1 (event 3 to event 4): 1',
      '  process 1: write 2 (event 5 to event 6): 2',
      'Cannot be placed:',
      '  process 2: read 1 (event 7 to event 9)',
      '  At its time the key could hold 2 or 5, but not 1.',
      'Under way at the same time, or of unknown outcome:',
      '  process 3: write 5 (event 8 to event 10)',
    ]);
  });

  it('says what the register held when a comparison failed that could not', () => {
    const history = events([1, 'invoke', 'cas', [null, 3]], [1, 'fail', 'cas', [null, 3]]);
    const { explanation } = checkHistory(history, { model: 'cas-register' });
    expect(explanation).toContain('process 1: cas null to 3, failed (event 1 to event 2)');
    expect(explanation).toContain('At its time the key could hold null only.');
  });

  it('is short for a history of thousands of operations', () => {
    const calls = Array.from({ length: 3_000 }, (_, i): Call[] => [
      [1, 'invoke', 'append', `${i}.`],
      [1, 'ok', 'append', `${i}.`],
    ]).flat();
    const { verdict, explanation } = checkHistory(
      events(...calls, [2, 'invoke', 'get', null], [2, 'ok', 'get', '1.']),
      { model: 'kv' },
    );
    expect(verdict).toBe('not-linearizable');
    expect(explanation?.length).toBeLessThan(3_000);
    expect(explanation).toContain('get "1."');
  });
});

describe('a limit', () => {
  it('of steps gives unknown, at the same step every time', () => {
    for (let round = 0; round < 2; round += 1) {
      const result = checkHistory(hard(), { model: 'cas-register', stepLimit: 100 });
      expect(result.verdict).toBe('unknown');
      expect(result.explanation).toBe('the limit of steps is used up, and undecided are the keys "k"');
    }
  });

  it('of time gives unknown, by the clock it was given', () => {
    let now = 0;
    const history = hard();
    const result = checkHistory(history, { model: 'cas-register', timeLimitMs: 1_000, now: () => (now += 100) });
    expect(result).toMatchObject({ verdict: 'unknown', keys: 1 });
    expect(result.explanation).toContain('the time limit is used up');
  });

  it('of steps does not hide a violation of an easy key behind a hard one', () => {
    const easy = stale.map((event) => ({ ...event, key: 'easy', process: `${event.process} of easy` }));
    const { verdict, explanation } = checkHistory([...hard(), ...easy], { model: 'cas-register', stepLimit: 60_000 });
    expect(verdict).toBe('not-linearizable');
    expect(explanation).toContain('key "easy"');
  });
});

/** Many comparisons of unknown outcome, and a read that none of their orders explains. */
function hard(): HistoryEvent[] {
  const next = random(3);
  const value = () => Math.floor(next() * 12);
  const cas = Array.from({ length: 60 }, (_, process): Call => [process, 'invoke', 'cas', [value(), value()]]);
  const writes = Array.from({ length: 12 }, (_, i): Call => [100 + i, 'invoke', 'write', i]);
  const reads = Array.from({ length: 12 }, (): Call[] => {
    const read = value();
    return [
      [200, 'invoke', 'read', null],
      [200, 'ok', 'read', read],
    ];
  }).flat();
  // Each of these two values could come from the other one only.
  const circle: Call[] = [
    [300, 'invoke', 'cas', [50, 51]],
    [301, 'invoke', 'cas', [51, 50]],
    [302, 'invoke', 'read', null],
    [302, 'ok', 'read', 50],
  ];
  return events(...writes, ...cas, ...reads, ...circle);
}

describe('it refuses', () => {
  it('a model that does not exist, and limits that are none', () => {
    for (const options of [
      { model: 'queue' as 'kv' },
      { model: 'kv', stepLimit: -1 },
      { model: 'kv', timeLimitMs: 0.5 },
    ] as const) {
      expect(() => checkHistory([], options)).toThrow(InvalidArgument);
    }
  });

  it('operations that the model does not have', () => {
    const history = events([1, 'invoke', 'cas', [1, 2]]);
    expect(() => checkHistory(history, { model: 'register' })).toThrow(MalformedHistory);
    expect(() => checkHistory(history, { model: 'kv' })).toThrow(
      'event 1: the model kv has put, append, get, and no cas',
    );
  });
});
