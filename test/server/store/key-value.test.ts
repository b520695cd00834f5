/** What commands do to the state, and what a page of a range shows of it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeyValueCommand } from '../../../packages/server/src/store/command.js';
import { applyCommand, createKeyValueState, readRange } from '../../../packages/server/src/store/key-value.js';

const bytes = (text: string) => Buffer.from(text);
const put = (key: string, value: string, ifVersion: number | null = null): KeyValueCommand => {
  return { kind: 'put', key, value: bytes(value), ifVersion };
};

test('a version grows with every write, and a key that comes back has a new one', () => {
  const state = createKeyValueState();
  expect(applyCommand(state, put('k', 'a'), { index: 3 })).toEqual({ kind: 'put', version: 3 });
  expect(applyCommand(state, put('k', 'b'), { index: 4 })).toEqual({ kind: 'put', version: 4 });
  expect(applyCommand(state, { kind: 'delete', key: 'k', ifVersion: null }, { index: 5 })).toEqual({
    kind: 'delete',
    deleted: true,
  });
  expect(applyCommand(state, put('k', 'a'), { index: 6 })).toEqual({ kind: 'put', version: 6 });
});

test('a condition that does not hold changes nothing and tells the version found', () => {
  const state = createKeyValueState();
  applyCommand(state, put('k', 'a'), { index: 3 });
  expect(applyCommand(state, put('k', 'b', 0), { index: 4 })).toEqual({
    kind: 'condition-failed',
    expected: 0,
    actual: 3,
  });
  expect(applyCommand(state, put('new', 'b', 9), { index: 5 })).toMatchObject({ kind: 'condition-failed', actual: 0 });
  const conditional: KeyValueCommand = { kind: 'delete', key: 'k', ifVersion: 2 };
  expect(applyCommand(state, conditional, { index: 6 })).toMatchObject({ kind: 'condition-failed', actual: 3 });
  expect(state.get('k')).toEqual({ value: bytes('a'), version: 3 });
  expect(state.size).toBe(1);
});

test('conditions that hold: the version, and 0 for a key that does not exist', () => {
  const state = createKeyValueState();
  expect(applyCommand(state, put('k', 'a', 0), { index: 1 })).toMatchObject({ kind: 'put' });
  expect(applyCommand(state, put('k', 'b', 1), { index: 2 })).toMatchObject({ kind: 'put' });
});

test('a delete of a key that is not there says so', () => {
  const command: KeyValueCommand = { kind: 'delete', key: 'k', ifVersion: null };
  expect(applyCommand(createKeyValueState(), command, { index: 1 })).toEqual({ kind: 'delete', deleted: false });
});

test('pages together are every key of the range once, in the order of bytes', () => {
  const key = fc.array(fc.constantFrom('a', 'b', '\uffff', '\u{1f600}', 'é'), { minLength: 1, maxLength: 4 });
  const keys = fc.uniqueArray(
    key.map((units) => units.join('')),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(keys, key, fc.nat(2), fc.integer({ min: 1, max: 7 }), (all, units, prefixLength, limit) => {
      const state = createKeyValueState();
      for (const [at, each] of all.entries()) applyCommand(state, put(each, each), { index: at + 1 });
      const prefix = units.slice(0, prefixLength).join('');
      const seen: string[] = [];
      for (let start: string | null = ''; start !== null; ) {
        const page = readRange(state, { prefix, start, limit });
        expect(page.entries.length).toBeLessThanOrEqual(limit);
        seen.push(...page.entries.map((entry) => entry.key));
        start = page.next;
      }
      const expected = all.filter((each) => each.startsWith(prefix));
      expect(seen).toEqual(expected.sort((a, b) => Buffer.compare(bytes(a), bytes(b))));
    }),
  );
});

test('start is included, and counts only within the prefix', () => {
  const state = createKeyValueState();
  for (const [at, key] of ['a', 'b1', 'b2', 'b3', 'c'].entries()) applyCommand(state, put(key, ''), { index: at + 1 });
  const keysOf = (prefix: string, start: string) =>
    readRange(state, { prefix, start, limit: 10 }).entries.map((entry) => entry.key);
  expect(keysOf('b', 'b2')).toEqual(['b2', 'b3']);
  expect(keysOf('b', 'a')).toEqual(['b1', 'b2', 'b3']);
  expect(keysOf('b', 'c')).toEqual([]);
  expect(keysOf('', 'b3')).toEqual(['b3', 'c']);
});

test('a page of large values ends early and says where to go on', () => {
  const state = createKeyValueState();
  const megabyte = Buffer.alloc(1024 * 1024);
  for (let at = 1; at <= 6; at += 1) {
    applyCommand(state, { kind: 'put', key: `k${at}`, value: megabyte, ifVersion: null }, { index: at });
  }
  const page = readRange(state, { prefix: '', start: '', limit: 10_000 });
  expect(page.entries).toHaveLength(4);
  expect(page.next).toBe('k5');
});
