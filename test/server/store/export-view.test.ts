/** Views for exports: what was there when they were taken, all of it, whatever is written meanwhile. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ExportView, HeldExportView } from '../../../packages/server/src/store/export-view.js';
import { applyCommand } from '../../../packages/server/src/store/key-value.js';
import { MemoryState } from '../../../packages/server/src/store/key-value-state.js';

const everything = { prefix: '', start: '' };

function keysOf(view: ExportView): string[] {
  const keys: string[] = [];
  for (let entries = view.next(); entries !== null; entries = view.next()) keys.push(...entries.map(({ key }) => key));
  return keys;
}

function filled(count: number): MemoryState {
  const state = new MemoryState();
  for (let at = 0; at < count; at += 1) {
    state.keys.set(`k${String(at).padStart(6, '0')}`, { value: Buffer.from('v'), version: 1 });
  }
  return state;
}

test('an export has the keys of the range, in order, in short steps', () => {
  const state = filled(5_000);
  const view = new HeldExportView(state, everything);
  expect(view.next()?.length).toBeLessThanOrEqual(1_000);
  view.release();
  expect(view.next()).toBeNull();
  expect(keysOf(new HeldExportView(state, everything))).toEqual([...state.keys.keys()]);
  expect(keysOf(new HeldExportView(state, { prefix: 'k00000', start: 'k000007' }))).toEqual([
    'k000007',
    'k000008',
    'k000009',
  ]);
  expect(keysOf(new HeldExportView(state, { prefix: 'none', start: '' }))).toEqual([]);
  const large = new MemoryState();
  for (const key of ['a', 'b', 'c']) large.keys.set(key, { value: Buffer.alloc(300_000), version: 1 });
  expect(new HeldExportView(large, everything).next()).toHaveLength(1);
});

test('an export asks for more time with each of its steps, and lets go at its end', () => {
  const state = filled(5_000);
  const told: string[] = [];
  const hold = () => ({ keys: state.keys, renew: () => told.push('renewed'), release: () => told.push('released') });
  const view = new HeldExportView({ keys: state.keys, hold }, everything);
  let steps = 0;
  while (view.next() !== null) steps += 1;
  expect(steps).toBeGreaterThan(3);
  expect(told.filter((what) => what === 'renewed').length).toBeGreaterThanOrEqual(steps);
  expect(told.at(-1)).toBe('released');
  expect(told.indexOf('released')).toBeGreaterThanOrEqual(steps);
});

test('writes do not show in a view that was taken before, nor does a view disturb them', () => {
  const key = fc.integer({ min: 0, max: 300 }).map((at) => `k${at}`);
  const command = fc.record({ key, remove: fc.boolean(), readOn: fc.boolean(), viewAnew: fc.nat(20) });
  const property = fc.property(
    fc.array(key),
    fc.array(command, { minLength: 100, maxLength: 600 }),
    (keys, commands) => {
      const state = new MemoryState();
      const model = new Map<string, number>();
      let index = 0;
      const write = (name: string, remove: boolean) => {
        index += 1;
        const operation = remove ? { delete: { key: name } } : { put: { key: name, value: VALUE } };
        applyCommand(state, { conditions: [], operations: [operation], request: null }, { index, term: 1 });
        if (remove) model.delete(name);
        else model.set(name, index);
      };
      for (const name of keys) write(name, false);
      const views: { view: ExportView; expected: string[]; seen: string[] }[] = [];
      for (const { key: name, remove, readOn, viewAnew } of commands) {
        if (viewAnew === 0)
          views.push({ view: new HeldExportView(state, everything), expected: linesOf(model), seen: [] });
        write(name, remove);
        if (readOn) for (const each of views) read(each);
      }
      for (const each of views) {
        while (read(each));
        expect(each.seen).toEqual(each.expected);
      }
      expect([...state.keys.entries()].map(([name, { version }]) => `${name} ${version}`)).toEqual(linesOf(model));
    },
  );
  fc.assert(property, { numRuns: 60 });
});

/** So large that a step takes a few entries only, and writes come between the steps. */
const VALUE = new Uint8Array(20_000);

function linesOf(model: ReadonlyMap<string, number>): string[] {
  return [...model].map(([key, version]) => `${key} ${version}`).sort();
}

function read(each: { view: ExportView; seen: string[] }): boolean {
  const entries = each.view.next();
  each.seen.push(...(entries ?? []).map(({ key, version }) => `${key} ${version}`));
  return entries !== null;
}
