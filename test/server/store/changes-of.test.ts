/** What a watch is told of a command: all that it changed, in order, and nothing that did not happen. */

import fc from 'fast-check';
import type { Change } from 'quorate/client';
import { expect, test } from 'vitest';
import { changesOf } from '../../../packages/server/src/store/changes-of.js';
import type { KeyValueCommand, Operation, RequestIdentity } from '../../../packages/server/src/store/command.js';
import { applyCommand } from '../../../packages/server/src/store/key-value.js';
import { MemoryState } from '../../../packages/server/src/store/key-value-state.js';

const put = (key: string, value = 'v'): Operation => ({ put: { key, value: Buffer.from(value) } });
const remove = (key: string): Operation => ({ delete: { key } });

/** Applies them one after the other, from index 1 on, and collects what each is told to have changed. */
function told(commands: readonly Partial<KeyValueCommand>[]) {
  const state = new MemoryState();
  const changes = commands.map((each, at) => {
    const command = { conditions: [], operations: [], request: null, ...each };
    return changesOf(command, applyCommand(state, command, { index: at + 1, term: 1 }), at + 1);
  });
  return { state, changes };
}

const record = (key: string, more: Partial<RequestIdentity> = {}): RequestIdentity => {
  return { key, hash: 'h', heldIndex: null, kept: 10, ...more };
};

test('a transaction tells all its changes in order, and no delete that found nothing', () => {
  const operations = [put('a', '1'), remove('none'), put('b'), remove('a'), remove('a'), put('a', '2')];
  const change = (key: string, value: string) => ({ kind: 'put', key, value: Buffer.from(value), version: 1 });
  expect(told([{ operations }]).changes).toEqual([
    [change('a', '1'), change('b', 'v'), { kind: 'delete', key: 'a' }, change('a', '2')],
  ]);
});

test('a condition that does not hold leaves nothing to tell', () => {
  const conditions = [{ key: 'a', version: 9 }];
  expect(told([{ conditions, operations: [put('a'), put('b')] }]).changes).toEqual([[]]);
});

test('a request that is repeated, reused or refused is told once, where it was applied', () => {
  const request = record('r');
  const operations = [put('a'), remove('a')];
  const { changes } = told([
    { operations, request },
    { operations, request },
    { operations: [put('b')], request: record('r', { hash: 'other' }) },
    { operations: [put('c')], request: record('s', { kept: 1 }) },
    { operations: [put('d')], request: record('t', { heldIndex: 0 }) },
  ]);
  expect(changes.map(({ length }) => length)).toEqual([2, 0, 0, 1, 0]);
});

test('whoever makes the changes that are told has the state that readers have', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const operation = fc.oneof(
    fc.tuple(key, fc.string({ maxLength: 2 })).map(([name, value]) => put(name, value)),
    key.map(remove),
  );
  const request = fc.record({ key: fc.constantFrom('r', 's', 't'), heldIndex: fc.option(fc.nat(20)) });
  const command = fc.record({
    conditions: fc.array(fc.record({ key, version: fc.nat(4) }), { maxLength: 1 }),
    operations: fc.array(operation, { minLength: 1, maxLength: 4 }),
    request: fc.option(request.map(({ key: name, heldIndex }) => record(name, { heldIndex, kept: 2 }))),
  });
  const property = fc.property(fc.array(command, { minLength: 1, maxLength: 30 }), (commands) => {
    const { state, changes } = told(commands);
    expect([...madeOf(changes.flat())].sort()).toEqual(
      [...state.keys.entries()].map(([name, { value, version }]) => [name, `${Buffer.from(value)} ${version}`]),
    );
  });
  fc.assert(property, { numRuns: 500 });
});

function madeOf(changes: readonly Change[]): ReadonlyMap<string, string> {
  const made = new Map<string, string>();
  for (const change of changes) {
    // A delete that finds nothing did not happen.
    if (change.kind === 'delete') expect(made.delete(change.key)).toBe(true);
    else made.set(change.key, `${Buffer.from(change.value)} ${change.version}`);
  }
  return made;
}
