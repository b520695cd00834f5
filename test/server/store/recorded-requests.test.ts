/** Requests with an idempotency key: applied once, and refused rather than applied again when they may be forgotten. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeyValueCommand, RequestIdentity, Transaction } from '../../../packages/server/src/store/command.js';
import { applyCommand } from '../../../packages/server/src/store/key-value.js';
import { MemoryState } from '../../../packages/server/src/store/key-value-state.js';
import { hashRequest } from '../../../packages/server/src/store/request-hash.js';

const putTransaction = (key: string, value: string, version?: number): Transaction => ({
  conditions: version === undefined ? [] : [{ key, version }],
  operations: [{ put: { key, value: Buffer.from(value) } }],
});
const keyed = (transaction: Transaction, request: Partial<RequestIdentity> & { key: string }): KeyValueCommand => ({
  ...transaction,
  request: { hash: hashRequest('put', transaction, undefined), heldIndex: null, kept: 100, ...request },
});
const at = (index: number, term = 1) => ({ index, term });
/** All that a state holds, to see that nothing of it has changed. */
const contents = (state: Omit<MemoryState, 'hold'>) => ({
  ...{ keys: [...state.keys.entries()], requests: [...state.requests.entries()] },
  ...{ order: [...state.requestOrder.entries()], count: state.requestCount, evicted: state.evictedThrough },
});

test('a repeated request gets the recorded answer, with its index and term, and changes nothing', () => {
  const state = new MemoryState();
  const command = keyed(putTransaction('k', 'a', 0), { key: 'r1' });
  const first = applyCommand(state, command, at(5, 2));
  expect(first).toEqual({ kind: 'done', index: 5, term: 2, results: [{ version: 5 }] });
  applyCommand(state, { ...putTransaction('k', 'b'), request: null }, at(6, 2));
  const before = contents(state);
  expect(applyCommand(state, command, at(7, 3))).toEqual(first);
  expect(contents(state)).toEqual(before);
});

test('a condition that failed is recorded, too: repeated, it fails alike although it would hold by now', () => {
  const state = new MemoryState();
  const command = keyed(putTransaction('k', 'a', 3), { key: 'r1' });
  const first = applyCommand(state, command, at(2));
  expect(first).toMatchObject({ kind: 'condition-failed', index: 2, actual: 0 });
  applyCommand(state, { ...putTransaction('k', 'b'), request: null }, at(3));
  expect(applyCommand(state, command, at(4))).toEqual(first);
  expect(state.keys.get('k')?.version).toBe(3);
});

test('another request with the same key is refused and changes nothing', () => {
  const state = new MemoryState();
  applyCommand(state, keyed(putTransaction('k', 'a'), { key: 'r1' }), at(1));
  const before = contents(state);
  const other = keyed(putTransaction('k', 'b'), { key: 'r1', heldIndex: 0 });
  expect(applyCommand(state, other, at(2))).toEqual({ kind: 'key-reused' });
  expect(contents(state)).toEqual(before);
});

test('records are evicted in the order of the log, by count; a repetition keeps none of them longer', () => {
  const state = new MemoryState();
  const kept = 2;
  applyCommand(state, keyed(putTransaction('a', '1'), { key: 'z', kept }), at(10));
  applyCommand(state, keyed(putTransaction('b', '1'), { key: 'a', kept }), at(11));
  applyCommand(state, keyed(putTransaction('a', '1'), { key: 'z', kept }), at(12));
  expect(state.evictedThrough).toBe(0);
  applyCommand(state, keyed(putTransaction('c', '1'), { key: 'm', kept }), at(13));
  expect([...state.requests.keys()]).toEqual(['a', 'm']);
  expect([...state.requestOrder.entries()]).toEqual([
    [11, 'a'],
    [13, 'm'],
  ]);
  expect(state).toMatchObject({ evictedThrough: 10, requestCount: 2 });
});

test.each([
  ['a token older than the newest eviction is refused, and nothing is recorded', 9, 'expired'],
  ['a token as new as the newest eviction is applied: what came after it is all remembered', 10, 'done'],
  ['without a token a forgotten request is applied again', null, 'done'],
])('%s', (_, heldIndex, kind) => {
  const state = new MemoryState();
  const first = keyed(putTransaction('k', 'a'), { key: 'r1', kept: 1, heldIndex: 9 });
  applyCommand(state, first, at(10));
  applyCommand(state, keyed(putTransaction('k', 'b'), { key: 'r2', kept: 1, heldIndex: 10 }), at(11));
  expect(state.evictedThrough).toBe(10);
  const before = contents(state);
  const again = keyed(putTransaction('k', 'a'), { key: 'r1', kept: 1, heldIndex });
  expect(applyCommand(state, again, at(12))).toMatchObject({ kind });
  if (kind !== 'expired') return;
  expect(applyCommand(state, again, at(13))).toEqual({ kind: 'expired', evictedThrough: 10 });
  expect(contents(state)).toEqual(before);
});

test('a recorded request is answered however old its token is', () => {
  const state = new MemoryState();
  for (const [i, key] of ['r1', 'r2', 'r3'].entries()) {
    applyCommand(state, keyed(putTransaction(key, ''), { key, kept: 2 }), at(i + 1));
  }
  expect(
    applyCommand(state, keyed(putTransaction('r2', ''), { key: 'r2', heldIndex: 0, kept: 2 }), at(9)),
  ).toMatchObject({
    ...{ kind: 'done', index: 2 },
  });
});

test('after the number of kept requests was lowered, each entry evicts a bounded number of them', () => {
  const state = new MemoryState();
  for (let i = 1; i <= 100; i += 1) applyCommand(state, keyed(putTransaction('k', `${i}`), { key: `r${i}` }), at(i));
  applyCommand(state, keyed(putTransaction('k', 'x'), { key: 'x', kept: 3 }), at(101));
  expect(state).toMatchObject({ requestCount: 85, evictedThrough: 16 });
  for (let i = 0; i < 10; i += 1) {
    applyCommand(state, keyed(putTransaction('k', `y${i}`), { key: `y${i}`, kept: 3 }), at(102 + i));
  }
  expect(state).toMatchObject({ requestCount: 3, evictedThrough: 108 });
});

test('in whatever order attempts arrive, a request with a token is applied at most once', () => {
  const send = fc.record({ request: fc.nat(7), kept: fc.integer({ min: 1, max: 4 }) });
  fc.assert(
    fc.property(fc.array(send, { maxLength: 60 }), (sends) => {
      const state = new MemoryState();
      const heldBefore = new Map<number, number>();
      const appliedAt = new Map<number, number[]>();
      for (const [i, { request, kept }] of sends.entries()) {
        const index = i + 1;
        // The token of all attempts of a request is from before its first one.
        const heldIndex = heldBefore.get(request) ?? index - 1;
        heldBefore.set(request, heldIndex);
        const transaction = putTransaction(`k${request}`, '');
        const result = applyCommand(state, keyed(transaction, { key: `r${request}`, heldIndex, kept }), at(index));
        const version = state.keys.get(`k${request}`)?.version;
        if (version === index) appliedAt.set(request, [...(appliedAt.get(request) ?? []), index]);
        if (result.kind === 'done') expect(result.index).toBe(version);
        else expect(result.kind).toBe('expired');
        expect(state.requestCount).toBe(state.requests.size);
        expect(state.requestOrder.size).toBe(state.requests.size);
      }
      for (const indexes of appliedAt.values()) expect(indexes).toHaveLength(1);
    }),
    { numRuns: 500 },
  );
});

test('a copy of the tables is a snapshot: what is applied later does not show in it', () => {
  const state = new MemoryState();
  for (let i = 1; i <= 50; i += 1) {
    applyCommand(state, keyed(putTransaction(`k${i}`, `${i}`), { key: `r${i}`, kept: 20 }), at(i));
  }
  const before = contents(state);
  const [keys, requests, requestOrder] = [state.keys.clone(), state.requests.clone(), state.requestOrder.clone()];
  const { requestCount, evictedThrough } = state;
  for (let i = 51; i <= 90; i += 1) {
    applyCommand(state, keyed(putTransaction(`k${i % 30}`, 'new'), { key: `r${i}`, kept: 20 }), at(i));
  }
  expect(contents({ keys, requests, requestOrder, requestCount, evictedThrough })).toEqual(before);
  expect(contents(state)).not.toEqual(before);
});
