/** Events of entries that many watches want: encoded once while they are kept, and kept within a limit. */
import { expect, test } from 'vitest';
import { EncodedEntries } from '../../../packages/server/src/http/encoded-entries.js';
import type { TakenEntry } from '../../../packages/server/src/store/change-history.js';

const MIB = 1024 * 1024;

function setUp(bytesOf: (entry: Pick<TakenEntry, 'index'>) => number) {
  const encoded: number[] = [];
  const entries = new EncodedEntries((entry) => {
    encoded.push(entry.index);
    return Buffer.alloc(bytesOf(entry), entry.index);
  });
  return { entries, encoded };
}

function entryAt(index: number, isPart = false): TakenEntry {
  return { kind: 'change', index, term: 1, changes: [], isPart };
}

test('an entry is encoded once, for all who want it', () => {
  const { entries, encoded } = setUp(() => 10);
  const [first, second] = [entryAt(1), entryAt(2)];
  expect(entries.of(first, 'a cluster')).toEqual(Buffer.alloc(10, 1));
  expect(entries.of(second, 'a cluster')).toEqual(Buffer.alloc(10, 2));
  expect(entries.of(first, 'a cluster')).toBe(entries.of(first, 'a cluster'));
  expect(encoded).toEqual([1, 2]);
});

test('it is encoded anew for another cluster', () => {
  const { entries, encoded } = setUp(() => 10);
  const entry = entryAt(1);
  entries.of(entry, 'a cluster');
  entries.of(entry, 'another cluster');
  expect(encoded).toEqual([1, 1]);
});

test('parts of entries are not taken for the whole, and push nothing out that is shared', () => {
  const { entries, encoded } = setUp(() => MIB);
  const whole = entryAt(1);
  entries.of(whole, 'a cluster');
  const parts = Array.from({ length: 10 }, () => entryAt(1, true));
  for (const part of parts) entries.of(part, 'a cluster');
  entries.of(whole, 'a cluster');
  expect(encoded).toEqual([1, ...parts.map(() => 1)]);
});

test('the oldest are let go above 8 MiB, and encoded again when they are wanted', () => {
  const { entries, encoded } = setUp(() => MIB);
  const all = Array.from({ length: 8 }, (_, at) => entryAt(at));
  for (const entry of all) entries.of(entry, 'a cluster');
  // With what each takes beside its bytes, eight are too many.
  encoded.length = 0;
  for (const entry of all.slice(1)) entries.of(entry, 'a cluster');
  expect(encoded).toEqual([]);
  expect(entries.of(all[0] as TakenEntry, 'a cluster')).toHaveLength(MIB);
  expect(encoded).toEqual([0]);
});

test('many small ones count as more than their bytes', () => {
  const { entries, encoded } = setUp(() => 1);
  const all = Array.from({ length: 45_000 }, (_, at) => entryAt(at));
  for (const entry of all) entries.of(entry, 'a cluster');
  encoded.length = 0;
  entries.of(all[0] as TakenEntry, 'a cluster');
  entries.of(all.at(-1) as TakenEntry, 'a cluster');
  expect(encoded).toEqual([0]);
});

test('one above the limit is encoded each time, and nothing is kept beyond it', () => {
  const { entries, encoded } = setUp(({ index }) => (index === 1 ? 9 * MIB : 1));
  const large = entryAt(1);
  expect(entries.of(large, 'a cluster')).toHaveLength(9 * MIB);
  expect(entries.of(large, 'a cluster')).toHaveLength(9 * MIB);
  const small = entryAt(2);
  entries.of(small, 'a cluster');
  entries.of(small, 'a cluster');
  expect(encoded).toEqual([1, 1, 2]);
});
