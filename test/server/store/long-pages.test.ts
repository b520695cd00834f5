/**
 * Long pages of a range: each is the page that one step would give, with turns of the loop while it is collected, and
 * ends when its caller has given up; all together take no more views and no more of a turn than they may.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ExportView, HeldExportView } from '../../../packages/server/src/store/export-view.js';
import { readRange } from '../../../packages/server/src/store/key-value.js';
import { MemoryState } from '../../../packages/server/src/store/key-value-state.js';
import { type LongPageOptions, LongPages, MAX_LONG_PAGES } from '../../../packages/server/src/store/long-pages.js';

function filled(sizes: readonly number[]): MemoryState {
  const state = new MemoryState();
  for (const [at, size] of sizes.entries()) {
    state.keys.set(`k${String(at).padStart(5, '0')}`, { value: BYTES.subarray(0, size), version: at + 1 });
  }
  return state;
}

function read(view: ExportView, limit: number, options: Partial<LongPageOptions> = {}) {
  const patient = { limit, sinceMs: performance.now(), timeoutMs: 60_000, signal: undefined };
  return new LongPages().read(view, { ...patient, ...options });
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
    const page = await read(new HeldExportView(state, request), most);
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
  const { entries, next } = await read(view, 10_000);
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
  expect((await read(view, 1_500)).next).toBe('k01500');
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
  await expect(read(broken, 1_500)).rejects.toThrow('the node has stopped');
  expect(released).toBe(true);
});

test('one whose caller gives up, or whose time is over, ends at its next step and releases its view', async () => {
  const state = filled(Array.from({ length: 10_000 }, () => 1));
  const pages = new LongPages();
  const begin = (options: Partial<LongPageOptions>) => {
    const view = pages.hold(state, { prefix: '', start: '' });
    let steps = 0;
    const next = () => {
      steps += 1;
      return view.next();
    };
    const patient = { limit: 10_000, sinceMs: performance.now(), timeoutMs: 60_000, signal: undefined };
    const read = pages.read({ next, release: view.release }, { ...patient, ...options });
    return { read, steps: () => steps };
  };
  const controller = new AbortController();
  const canceled = begin({ signal: controller.signal });
  const late = begin({ sinceMs: performance.now() - 1_000, timeoutMs: 1_000 });
  setImmediate(() => controller.abort(new Error('gone')));
  await expect(late.read).rejects.toMatchObject({ code: 'Timeout', stage: 'page', timeoutMs: 1_000 });
  await expect(canceled.read).rejects.toMatchObject({ code: 'Canceled', cause: { message: 'gone' } });
  expect(late.steps()).toBe(0);
  expect(canceled.steps()).toBeLessThan(5);
  const held = Array.from({ length: MAX_LONG_PAGES }, () => pages.hold(state, { prefix: '', start: '' }));
  for (const view of held) view.release();
});

test('there are so many at a time, and each that ends makes room', async () => {
  const state = filled(Array.from({ length: 3_000 }, () => 1));
  const pages = new LongPages();
  const hold = () => pages.hold(state, { prefix: '', start: '' });
  const held = Array.from({ length: MAX_LONG_PAGES }, hold);
  const refused = { code: 'Overloaded', queue: 'long pages', limit: MAX_LONG_PAGES };
  expect(hold).toThrow(expect.objectContaining(refused));
  held[7]?.release();
  held[7]?.release();
  const again = hold();
  expect(hold).toThrow(expect.objectContaining(refused));
  const patient = { sinceMs: performance.now(), timeoutMs: 60_000, signal: undefined };
  await pages.read(again, { limit: 1_500, ...patient });
  hold();
  expect(hold).toThrow(expect.objectContaining(refused));
});

test('however many there are, they share the turns', async () => {
  const state = filled(Array.from({ length: 2_000 }, () => 1));
  const pages = new LongPages();
  let turn = 0;
  let timer = setImmediate(function next() {
    turn += 1;
    timer = setImmediate(next);
  });
  const steps: number[] = [];
  const read = () => {
    const view = pages.hold(state, { prefix: '', start: '' });
    const next = () => {
      steps[turn] = (steps[turn] ?? 0) + 1;
      // As long as one on a disk may take.
      for (const end = performance.now() + 1; performance.now() < end; );
      return view.next();
    };
    const patient = { limit: 2_000, sinceMs: performance.now(), timeoutMs: 60_000, signal: undefined };
    return pages.read({ next, release: view.release }, patient);
  };
  const whole = await Promise.all(Array.from({ length: 30 }, read));
  clearImmediate(timer);
  expect(whole.map(({ entries }) => entries.length)).toEqual(whole.map(() => 2_000));
  // Two turns' when they are counted in the middle of one.
  expect(Math.max(...steps.filter((each) => each !== undefined))).toBeLessThanOrEqual(6);
});
