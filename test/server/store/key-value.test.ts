/** What commands do to the state, and what a page of a range shows of it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeyValueCommand } from '../../../packages/server/src/store/command.js';
import { applyCommand, readRange } from '../../../packages/server/src/store/key-value.js';
import { MemoryState } from '../../../packages/server/src/store/key-value-state.js';

const bytes = (text: string) => Buffer.from(text);
const on = (key: string, version: number | null) => (version === null ? [] : [{ key, version }]);
const put = (key: string, value: string, ifVersion: number | null = null): KeyValueCommand => {
  return { conditions: on(key, ifVersion), operations: [{ put: { key, value: bytes(value) } }], request: null };
};
const remove = (key: string, ifVersion: number | null = null): KeyValueCommand => {
  return { conditions: on(key, ifVersion), operations: [{ delete: { key } }], request: null };
};
const at = (index: number) => ({ index, term: 2 });

test('a version grows with every write, and a key that comes back has a new one', () => {
  const state = new MemoryState();
  const done = (index: number, result: object) => ({ kind: 'done', index, term: 2, results: [result] });
  expect(applyCommand(state, put('k', 'a'), at(3))).toEqual(done(3, { version: 3 }));
  expect(applyCommand(state, put('k', 'b'), at(4))).toEqual(done(4, { version: 4 }));
  expect(applyCommand(state, remove('k'), at(5))).toEqual(done(5, { deleted: true }));
  expect(applyCommand(state, put('k', 'a'), at(6))).toEqual(done(6, { version: 6 }));
});

test('a condition that does not hold changes nothing and tells the version found', () => {
  const state = new MemoryState();
  applyCommand(state, put('k', 'a'), at(3));
  expect(applyCommand(state, put('k', 'b', 0), at(4))).toEqual({
    ...{ kind: 'condition-failed', index: 4, term: 2 },
    ...{ condition: 0, expected: 0, actual: 3 },
  });
  expect(applyCommand(state, put('new', 'b', 9), at(5))).toMatchObject({ kind: 'condition-failed', actual: 0 });
  expect(applyCommand(state, remove('k', 2), at(6))).toMatchObject({ kind: 'condition-failed', actual: 3 });
  expect(state.keys.get('k')).toEqual({ value: bytes('a'), version: 3 });
  expect(state.keys.size).toBe(1);
});

test('conditions that hold: the version, and 0 for a key that does not exist', () => {
  const state = new MemoryState();
  expect(applyCommand(state, put('k', 'a', 0), at(1))).toMatchObject({ kind: 'done' });
  expect(applyCommand(state, put('k', 'b', 1), at(2))).toMatchObject({ kind: 'done' });
});

test('a delete of a key that is not there says so', () => {
  expect(applyCommand(new MemoryState(), remove('k'), at(1))).toMatchObject({ results: [{ deleted: false }] });
});

test('a transaction applies its operations in order, all at one version', () => {
  const state = new MemoryState();
  applyCommand(state, put('a', '1'), at(1));
  const command: KeyValueCommand = {
    conditions: [...on('a', 1), ...on('b', 0)],
    operations: [
      { put: { key: 'b', value: bytes('1') } },
      { delete: { key: 'a' } },
      { delete: { key: 'a' } },
      { put: { key: 'b', value: bytes('2') } },
    ],
    request: null,
  };
  const results = [{ version: 2 }, { deleted: true }, { deleted: false }, { version: 2 }];
  expect(applyCommand(state, command, at(2))).toEqual({ kind: 'done', index: 2, term: 2, results });
  expect([...state.keys.entries()]).toEqual([['b', { value: bytes('2'), version: 2 }]]);
});

test('a transaction with one condition that does not hold changes nothing, and says which it was', () => {
  const state = new MemoryState();
  applyCommand(state, put('a', '1'), at(1));
  const command: KeyValueCommand = {
    conditions: [...on('a', 1), ...on('b', 7), ...on('a', 9)],
    operations: [{ delete: { key: 'a' } }, { put: { key: 'b', value: bytes('1') } }],
    request: null,
  };
  const failed = { kind: 'condition-failed', index: 2, condition: 1, expected: 7, actual: 0 };
  expect(applyCommand(state, command, at(2))).toMatchObject(failed);
  expect([...state.keys.keys()]).toEqual(['a']);
});

test('pages together are every key of the range once, in the order of bytes', () => {
  const key = fc.array(fc.constantFrom('a', 'b', '\uffff', '\u{1f600}', 'é'), { minLength: 1, maxLength: 4 });
  const keys = fc.uniqueArray(
    key.map((units) => units.join('')),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(keys, key, fc.nat(2), fc.integer({ min: 1, max: 7 }), (all, units, prefixLength, limit) => {
      const state = new MemoryState();
      for (const [i, each] of all.entries()) applyCommand(state, put(each, each), at(i + 1));
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
  const state = new MemoryState();
  for (const [i, key] of ['a', 'b1', 'b2', 'b3', 'c'].entries()) applyCommand(state, put(key, ''), at(i + 1));
  const keysOf = (prefix: string, start: string) =>
    readRange(state, { prefix, start, limit: 10 }).entries.map((entry) => entry.key);
  expect(keysOf('b', 'b2')).toEqual(['b2', 'b3']);
  expect(keysOf('b', 'a')).toEqual(['b1', 'b2', 'b3']);
  expect(keysOf('b', 'c')).toEqual([]);
  expect(keysOf('', 'b3')).toEqual(['b3', 'c']);
});

test('a page of large values ends early and says where to go on', () => {
  const state = new MemoryState();
  const megabyte = Buffer.alloc(1024 * 1024);
  for (let i = 1; i <= 6; i += 1) {
    const operations = [{ put: { key: `k${i}`, value: megabyte } }];
    applyCommand(state, { conditions: [], operations, request: null }, at(i));
  }
  const page = readRange(state, { prefix: '', start: '', limit: 10_000 });
  expect(page.entries).toHaveLength(4);
  expect(page.next).toBe('k5');
});
