/** The history of changes: its bounds, its readers, and what they may see when. */
import { WatchExpired } from 'quorate/client';
import { expect, test } from 'vitest';
import type { ChangeCursor } from '../../../packages/server/src/store/change-cursor.js';
import { ChangeHistory } from '../../../packages/server/src/store/change-history.js';
import { keyValueCodec } from '../../../packages/server/src/store/command-codec.js';
import { createMemoryMachine } from '../../../packages/server/src/store/key-value-machine.js';

const signal = new AbortController().signal;
const value = Buffer.alloc(100);

function put(history: ChangeHistory, index: number, key = 'k'): void {
  history.begin(index);
  history.record(index, 1, [{ kind: 'put', key, value, version: index }]);
  history.publish(index);
}

function indexes(cursor: ChangeCursor): number[] {
  const taken: number[] = [];
  do taken.push(...cursor.take().map(({ index }) => index));
  while (cursor.behind);
  return taken;
}

test('every reader takes every change once, in order, from wherever it begins', () => {
  const history = new ChangeHistory();
  for (let index = 1; index <= 12_000; index += 1) put(history, index);
  for (const from of [1, 2, 6_000, 12_000, 12_001]) {
    const cursor = history.open({ prefix: '', from });
    expect(indexes(cursor)).toEqual(Array.from({ length: 12_001 - from }, (_, at) => from + at));
    expect(cursor.upTo).toBe(12_000);
  }
});

test('one step takes a bounded part', () => {
  const history = new ChangeHistory();
  for (let index = 1; index <= 12_000; index += 1) put(history, index);
  const all = history.open({ prefix: '', from: 1 });
  expect(all.take().length).toBeLessThan(1_000);
  const none = history.open({ prefix: 'other', from: 1 });
  expect(none.take()).toEqual([]);
  expect(none.upTo).toBeLessThan(12_000);
  expect(none.behind).toBe(true);
});

test('one step looks at a bounded number of changes, also when each entry has many', () => {
  const history = new ChangeHistory();
  for (let index = 1; index <= 100; index += 1) {
    history.begin(index);
    history.record(
      index,
      1,
      Array.from({ length: 1_000 }, (_, at) => ({ kind: 'delete' as const, key: `k${at}` })),
    );
    history.publish(index);
  }
  const none = history.open({ prefix: 'other', from: 1 });
  for (let step = 1; none.behind; step += 1) {
    expect(none.take()).toEqual([]);
    expect(none.upTo).toBeLessThanOrEqual(5 * step);
  }
  expect(none.upTo).toBe(100);
});

test('readers that want an entry whole get the very same one, others their part of it', () => {
  const history = new ChangeHistory();
  history.begin(1);
  history.record(1, 1, [
    { kind: 'delete', key: 'a' },
    { kind: 'delete', key: 'b' },
  ]);
  history.publish(1);
  const [first, second, part] = ['', '', 'b'].map((prefix) => history.open({ prefix, from: 1 }).take()[0]);
  expect(first).toBe(second);
  expect(part).toMatchObject({ kind: 'change', index: 1, term: 1, changes: [{ kind: 'delete', key: 'b' }] });
  expect(part?.changes).toHaveLength(1);
});

test('it keeps as many entries as it may, and tells which is the oldest', () => {
  const history = new ChangeHistory({ maxEntries: 10 });
  for (let index = 1; index <= 25; index += 1) put(history, index);
  expect(history.oldest).toBe(16);
  expect(() => history.open({ prefix: '', from: 15 })).toThrow(WatchExpired);
  expect(indexes(history.open({ prefix: '', from: 16 }))).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
});

test('it keeps no more bytes than it may, but always the newest entry', () => {
  const history = new ChangeHistory({ maxBytes: 1_000 });
  for (let index = 1; index <= 25; index += 1) put(history, index);
  expect(history.oldest).toBe(23);
  const tiny = new ChangeHistory({ maxBytes: 1 });
  for (let index = 1; index <= 3; index += 1) put(tiny, index);
  expect(indexes(tiny.open({ prefix: '', from: 3 }))).toEqual([3]);
});

test('a reader that the history has left behind is told so, and never skips anything', () => {
  const history = new ChangeHistory({ maxEntries: 10 });
  const cursor = history.open({ prefix: '', from: 1 });
  for (let index = 1; index <= 5; index += 1) put(history, index);
  expect(indexes(cursor)).toEqual([1, 2, 3, 4, 5]);
  for (let index = 6; index <= 15; index += 1) put(history, index);
  expect(cursor.take().map(({ index }) => index)).toContain(6);
  const late = history.open({ prefix: 'other', from: 6 });
  put(history, 16);
  expect(() => late.take()).toThrow(expect.objectContaining({ from: 6, oldest: 7 }));
});

test('a reader that waits is woken by its own keys only, and goes along with all others', async () => {
  const history = new ChangeHistory({ maxEntries: 3 });
  const cursor = history.open({ prefix: 'mine', from: 1 });
  let woken = false;
  const waiting = cursor.wait(20_000, signal).then(() => {
    woken = true;
  });
  for (let index = 1; index <= 10; index += 1) put(history, index, 'others');
  await Promise.resolve();
  expect(woken).toBe(false);
  expect(cursor.upTo).toBe(10);
  put(history, 11, 'mine/1');
  await waiting;
  expect(indexes(cursor)).toEqual([11]);
});

test('many changes for many readers wake all of them, and each finds what is for it', async () => {
  const history = new ChangeHistory();
  const cursors = Array.from({ length: 300 }, (_, at) => history.open({ prefix: `${at % 3}/`, from: 1 }));
  const waiting = cursors.map((cursor) => cursor.wait(20_000, new AbortController().signal));
  history.begin(1);
  for (let index = 1; index <= 100; index += 1) {
    history.record(index, 1, [{ kind: 'put', key: `${index % 2}/`, value, version: index }]);
  }
  history.publish(100);
  await Promise.all(waiting);
  const expected = [0, 1, 2].map((rest) =>
    rest === 2 ? [] : Array.from({ length: 50 }, (_, at) => 2 * at + 2 - rest),
  );
  for (const [at, cursor] of cursors.entries()) {
    expect(indexes(cursor)).toEqual(expected[at % 3]);
    expect(cursor.upTo).toBe(100);
  }
});

test('a wait ends after its time, and with its signal; nothing is left waiting', async () => {
  const history = new ChangeHistory();
  const cursor = history.open({ prefix: '', from: 1 });
  await cursor.wait(1, signal);
  const controller = new AbortController();
  const waiting = cursor.wait(20_000, controller.signal);
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(cursor.wait(20_000, controller.signal)).rejects.toThrow('enough');
});

test('a state that was put in place of another begins a new history, and everybody is told', async () => {
  const history = new ChangeHistory();
  for (let index = 1; index <= 5; index += 1) put(history, index);
  const waiting = history.open({ prefix: '', from: 6 });
  const woken = waiting.wait(20_000, signal);
  put(history, 100);
  await woken;
  expect(() => waiting.take()).toThrow(WatchExpired);
  expect(history.oldest).toBe(100);
  expect(indexes(history.open({ prefix: '', from: 100 }))).toEqual([100]);
});

test('the state machine shows changes to nobody before the batch is visible to readers', () => {
  const history = new ChangeHistory();
  const machine = createMemoryMachine(history);
  const cursor = history.open({ prefix: '', from: 1 });
  const entry = (index: number, command: Uint8Array | null) => ({ index, term: 3, timestampMs: 0, command });
  const command = (key: string) =>
    keyValueCodec.encode({ conditions: [], operations: [{ put: { key, value } }], request: null });
  machine.apply([entry(1, null), entry(2, command('a')), entry(3, null)]);
  expect(cursor.take()).toMatchObject([{ index: 2, term: 3, changes: [{ kind: 'put', key: 'a', version: 2 }] }]);
  expect(cursor.upTo).toBe(3);
  expect(() => machine.apply([entry(4, command('b')), entry(5, Buffer.from([99]))])).toThrow('unknown version');
  expect(cursor.take()).toEqual([]);
  expect(cursor.upTo).toBe(3);
});
