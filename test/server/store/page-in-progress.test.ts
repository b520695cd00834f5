/** Pages of a range: a long one is the page that one step would give, with turns of the loop while it is collected. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeldExportView } from '../../../packages/server/src/store/export-view.js';
import { readRange } from '../../../packages/server/src/store/key-value.js';
import { MemoryState } from '../../../packages/server/src/store/key-value-state.js';
import { readLongPage } from '../../../packages/server/src/store/page-in-progress.js';

function filled(sizes: readonly number[]): MemoryState {
  const state = new MemoryState();
  for (const [at, size] of sizes.entries()) {
    state.keys.set(`k${String(at).padStart(5, '0')}`, { value: BYTES.subarray(0, size), version: at + 1 });
  }
  return state;
}

const BYTES = new Uint8Array(5 * 1024 * 1024);

test('it is the page that one step would give, whatever limits it', async () => {
  const size = fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 300_000 }), fc.constant(BYTES.length));
  const sizes = fc.oneof(
    fc.array(size, { maxLength: 60 }),
    fc.array(fc.constant(1), { minLength: 2_500, maxLength: 3_000 }),
  );
  const limit = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 3_000 }));
  const property = fc.asyncProperty(sizes, limit, fc.constantFrom('', 'k', 'k0001', 'l'), async (all, most, start) => {
    const state = filled(all);
    const request = { prefix: 'k', start, limit: most };
    const page = await readLongPage(new HeldExportView(state, request), most);
    const expected = readRange(state, request);
    expect(page.next).toBe(expected.next);
    expect(page.entries.map(({ version }) => version)).toEqual(expected.entries.map(({ version }) => version));
  });
  await fc.assert(property, { numRuns: 100 });
});

test('the loop has turns while it is collected, and what is written in them does not show', async () => {
  const state = filled(Array.from({ length: 10_000 }, () => 1));
  let released = 0;
  const hold = () => {
    const held = state.hold();
    const release = () => {
      released += 1;
    };
    return { ...held, release };
  };
  const view = new HeldExportView({ keys: state.keys, hold }, { prefix: '', start: '' });
  let turns = 0;
  let running = true;
  const writing = (async () => {
    for (; running; turns += 1) {
      state.keys.set('k00000+', { value: BYTES, version: 1 });
      state.keys.delete(`k0${9_999 - turns}`);
      await nextTurn();
    }
  })();
  const { entries, next } = await readLongPage(view, 10_000);
  running = false;
  await writing;
  expect(entries.map(({ version }) => version)).toEqual(Array.from({ length: 10_000 }, (_, at) => at + 1));
  expect(next).toBeNull();
  expect(turns).toBeGreaterThanOrEqual(10);
  expect(released).toBeGreaterThan(0);
});

test('the view is released when the page is full before its end, and when it cannot be read to its end', async () => {
  const state = filled(Array.from({ length: 3_000 }, () => 1));
  const view = new HeldExportView(state, { prefix: '', start: '' });
  expect((await readLongPage(view, 1_500)).next).toBe('k01500');
  expect(view.next()).toBeNull();
  let released = false;
  const broken = {
    next: () => {
      throw new Error('the node has stopped');
    },
    release: () => {
      released = true;
    },
  };
  await expect(readLongPage(broken, 1_500)).rejects.toThrow('the node has stopped');
  expect(released).toBe(true);
});
