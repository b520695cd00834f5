/** The LMDB state machine does what every state machine has to do, and its views do not change. */
import { open } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/quorate/src/node/clock.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { openMachine, temporaryDirectory } from '../../../support/state-machine/lmdb-machines.js';
import { testStateMachine } from '../../../support/state-machine/suite.js';
import { applyAll, type Command, contents, definition } from '../../../support/state-machine/table-application.js';

const set = (key: string, value = key): Command => ({ kind: 'set', key, value });

describe('the LMDB state machine', () => {
  testStateMachine(async () => openMachine({ path: await temporaryDirectory() }));

  it('shows nothing of a batch in which a command throws, and applies the batch that comes in its place', async () => {
    const machine = await openMachine({ path: await temporaryDirectory() });
    applyAll(machine, [set('a', 'before')]);
    const before = machine.read(contents);
    expect(() => applyAll(machine, [set('a', 'after'), set('b'), { kind: 'throw' }])).toThrow('as the test wants it');
    expect(machine.read(contents)).toEqual(before);
    expect([machine.appliedIndex, machine.appliedTerm]).toEqual([1, 1]);
    expect(machine.read((_, { appliedIndex }) => appliedIndex)).toBe(1);
    expect(applyAll(machine, [set('b')])).toEqual(['set']);
    expect(machine.read(contents)).toHaveLength(4);
  });

  it('is DiskFailed, and stays as it was, when its disk refuses a batch at any step', async () => {
    const full = new Error('No space left on device');
    const refusal = (): never => {
      throw full;
    };
    let refuses: 'begin' | 'get' | 'walk' | 'write' | 'remove' | 'commit' | null = null;
    const refusing: typeof open = ((path: string, options: object) => {
      const root = open(path, options);
      const { transactionSync, openDB } = root;
      root.transactionSync = ((run: () => unknown) =>
        transactionSync.call(root, () => {
          if (refuses === 'begin') throw full;
          const result = run();
          if (refuses === 'commit') throw full;
          return result;
        })) as typeof transactionSync;
      root.openDB = ((...call: Parameters<typeof openDB>) => {
        const table = openDB.apply(root, call);
        const calls = { get: 'getBinary', walk: 'getRange', write: 'putSync', remove: 'removeSync' } as const;
        for (const [step, name] of Object.entries(calls)) {
          const { [name]: method } = table as unknown as Record<string, (...args: unknown[]) => unknown>;
          const refusable = (...args: unknown[]) => {
            if (refuses !== step) return method?.apply(table, args);
            // As LMDB does: what a walk meets is told when it is walked.
            if (step === 'walk') return { [Symbol.iterator]: refusal };
            return refusal();
          };
          Object.assign(table, { [name]: refusable });
        }
        return table;
      }) as typeof openDB;
      return root;
    }) as typeof open;
    const machine = await openMachine({ path: await temporaryDirectory(), open: refusing as never });
    applyAll(machine, [set('a')]);
    const before = machine.read(contents);
    const steps = ['begin', 'get', 'walk', 'write', 'remove', 'commit'] as const;
    const batch: Command[] = [
      { kind: 'append', key: 'b', add: 'b' },
      { kind: 'grow', from: 'a', count: 1 },
      { kind: 'delete', key: 'a' },
    ];
    for (const step of steps) {
      refuses = step;
      const failure = {
        code: 'DiskFailed',
        message: expect.stringContaining('cannot be used (No space left on device)'),
      };
      expect(() => applyAll(machine, batch), step).toThrow(expect.objectContaining(failure));
      refuses = null;
      expect(machine.read(contents)).toEqual(before);
      expect(machine.appliedIndex).toBe(1);
    }
    expect(applyAll(machine, [set('b')])).toEqual(['set']);
  });

  it('refuses tables that are used beyond their read, or beyond their command', async () => {
    const kept: { get(key: string): unknown; entries(): Iterator<unknown> }[] = [];
    const leaking = {
      ...definition,
      apply: (tables: Parameters<typeof definition.apply>[0]) => {
        kept.push(tables.keys);
        return '';
      },
    };
    const machine = await openMachine({ path: await temporaryDirectory(), definition: leaking });
    applyAll(machine, [set('a')]);
    const iterator = machine.read((view) => {
      kept.push(view.keys);
      return view.keys.entries();
    });
    for (const table of kept) {
      expect(() => table.get('a')).toThrow(/is over|within it only/);
      expect(() => table.entries().next()).toThrow(/is over|within it only/);
    }
    expect(() => iterator.next()).toThrow('is over');
  });

  it('refuses tables and options that are out of their range', async () => {
    const path = await temporaryDirectory();
    const none = { ...definition, tables: {} } as unknown as typeof definition;
    await expect(openMachine({ path, definition: none })).rejects.toThrow('tables must be 1 to 100 tables');
    const long = { ...definition, tables: { ['x'.repeat(101)]: 'text' } } as unknown as typeof definition;
    await expect(openMachine({ path, definition: long })).rejects.toThrow('names of 1 to 100 bytes');
    await expect(openMachine({ path, syncIntervalMs: 0 })).rejects.toThrow('syncIntervalMs must be');
    await expect(openMachine({ path, maxViews: 0 })).rejects.toThrow('maxViews must be');
    await expect(openMachine({ path, maxViewMs: 1.5 })).rejects.toThrow('maxViewMs must be');
  });
});

describe('a view', () => {
  it('does not change while writes go on, and knows its own index', async () => {
    const machine = await openMachine({ path: await temporaryDirectory() });
    const views: { readonly view: ReturnType<typeof machine.view>; readonly expected: readonly string[] }[] = [];
    for (let i = 0; i < 10; i += 1) {
      applyAll(machine, [set('same', String(i)), set(`key ${i}`), { kind: 'delete', key: `key ${i - 3}` }]);
      views.push({ view: machine.view(), expected: machine.read(contents) });
    }
    for (const [i, { view, expected }] of views.entries()) {
      expect(contents(view.tables)).toEqual(expected);
      expect(view.appliedIndex).toBe(3 * (i + 1));
      // In any order: the first ones go while later ones stay.
      if (i % 2 === 0) view.release();
    }
    for (const [i, { view, expected }] of views.entries()) {
      if (i % 2 === 0) expect(() => contents(view.tables)).toThrow('is over');
      else expect(contents(view.tables)).toEqual(expected);
      view.release();
      view.release();
    }
  });

  it('can be walked along in pieces, with batches applied in between', async () => {
    const machine = await openMachine({ path: await temporaryDirectory() });
    applyAll(
      machine,
      Array.from({ length: 2_000 }, (_, i) => set(`key ${String(i).padStart(5, '0')}`, 'old')),
    );
    const view = machine.view();
    const seen: string[] = [];
    for (const [key, value] of view.tables.keys.entries()) {
      seen.push(`${key}=${Buffer.from(value)}`);
      if (seen.length % 50 !== 0) continue;
      applyAll(machine, [set(key, 'new'), set(`${key} more`), { kind: 'delete-range', from: key, count: 10 }]);
      machine.read(contents);
      await new Promise(setImmediate);
    }
    expect(seen).toEqual(Array.from({ length: 2_000 }, (_, i) => `key ${String(i).padStart(5, '0')}=old`));
    view.release();
  });

  it('survives that the file, and the map of it, grow far beyond what they were', async () => {
    // Doubles about ten times.
    const mapped = (path: string, options: object) => open(path, { ...options, mapSize: 128 * 1024 } as never);
    const machine = await openMachine({ path: await temporaryDirectory(), open: mapped as never });
    applyAll(machine, [set('a', 'small')]);
    const view = machine.view();
    const iterator = view.tables.keys.entries();
    for (let i = 0; i < 80; i += 1) applyAll(machine, [set(`key ${i}`, 'x'.repeat(1_000_000))]);
    expect(iterator.next().value?.[0]).toBe('a');
    expect(iterator.next().done).toBe(true);
    view.release();
    expect(machine.read((tables) => [...tables.keys.entries()].length)).toBe(81);
  });

  it('is refused above the limit, until one is released', async () => {
    const machine = await openMachine({ path: await temporaryDirectory(), maxViews: 3 });
    const views = [machine.view(), machine.view(), machine.view()];
    expect(() => machine.view()).toThrow('the limit of 3 views of the state is reached');
    expect(() => machine.snapshot()).toThrow('the limit of 3 views of the state is reached');
    applyAll(machine, [set('a')]);
    expect(machine.read(contents)).toHaveLength(2);
    views[1]?.release();
    const view = machine.view();
    expect(view.appliedIndex).toBe(1);
  });

  it('takes every place that the limit promises, each at another index', async () => {
    const machine = await openMachine({ path: await temporaryDirectory(), maxViews: 100 });
    const views = Array.from({ length: 100 }, (_, i) => {
      applyAll(machine, [set('a', String(i))]);
      return machine.view();
    });
    expect(machine.read((_, { appliedIndex }) => appliedIndex)).toBe(100);
    expect(views.map(({ tables }) => Number(Buffer.from(tables.keys.get('a') ?? [])))).toEqual([...views.keys()]);
  });

  it('is ended, and said so, when nobody releases it', async () => {
    const clock = new ManualClock();
    const warnings: unknown[] = [];
    const logger = { debug() {}, info() {}, warn: (...args: unknown[]) => warnings.push(args), error() {} };
    const timers = { ...systemClock, setTimer: clock.setTimer.bind(clock) };
    const path = await temporaryDirectory();
    const machine = await openMachine({ path, clock: timers, logger, maxViewMs: 60_000, syncIntervalMs: 900_000 });
    applyAll(machine, [set('a')]);
    const view = machine.view();
    const walk = view.tables.keys.entries();
    walk.next();
    clock.advance(59_999);
    expect(contents(view.tables)).toHaveLength(2);
    clock.advance(1);
    expect(() => contents(view.tables)).toThrow('the deadline of 60000 ms passed');
    expect(() => walk.next()).toThrow('the deadline of 60000 ms passed');
    expect(warnings).toMatchObject([[{ appliedIndex: 1 }, expect.stringContaining('never released')]]);
    view.release();
    const released = machine.view();
    released.release();
    // The sync of the file is what still waits.
    expect(clock.timers).toBe(1);
    await machine.close();
    expect(clock.timers).toBe(0);
  });

  it('stays for as long as it is renewed, and never comes back once it is over', async () => {
    const clock = new ManualClock();
    const timers = { ...systemClock, setTimer: clock.setTimer.bind(clock) };
    const path = await temporaryDirectory();
    const machine = await openMachine({ path, clock: timers, maxViewMs: 60_000, syncIntervalMs: 900_000 });
    applyAll(machine, [set('a')]);
    const [renewed, released, expired] = [machine.view(), machine.view(), machine.view()];
    released.release();
    released.renew();
    for (let i = 0; i < 5; i += 1) {
      clock.advance(59_999);
      renewed.renew();
    }
    expect(contents(renewed.tables)).toHaveLength(2);
    expired.renew();
    for (const view of [released, expired]) expect(() => contents(view.tables)).toThrow(/is over|deadline of 60000 ms/);
    renewed.release();
    // The sync of the file.
    expect(clock.timers).toBe(1);
  });

  it('stays for a snapshot that goes on, however long it takes, and is ended for one that does not', async () => {
    const clock = new ManualClock();
    const timers = { ...systemClock, setTimer: clock.setTimer.bind(clock) };
    const path = await temporaryDirectory();
    const machine = await openMachine({ path, clock: timers, maxViewMs: 60_000, syncIntervalMs: 900_000 });
    applyAll(
      machine,
      Array.from({ length: 10 }, (_, i) => set(`key ${i}`, 'x'.repeat(60_000))),
    );
    let chunks = 0;
    for await (const chunk of machine.snapshot().chunks) {
      chunks += Math.min(1, chunk.byteLength);
      clock.advance(59_999);
    }
    expect(chunks).toBeGreaterThan(5);
    // The sync of the file.
    expect(clock.timers).toBe(1);
    const walk = machine.snapshot().chunks[Symbol.asyncIterator]();
    await walk.next();
    clock.advance(60_000);
    await expect(walk.next()).rejects.toThrow('the deadline of 60000 ms passed');
    expect(clock.timers).toBe(1);
  });

  it('is ended when the state machine closes', async () => {
    const machine = await openMachine({ path: await temporaryDirectory() });
    const view = machine.view();
    await machine.close();
    expect(() => contents(view.tables)).toThrow('the node has stopped');
    expect(() => machine.view()).toThrow('the node has stopped');
    expect(() => machine.read(contents)).toThrow('the node has stopped');
    expect(() => applyAll(machine, [set('a')])).toThrow('the node has stopped');
    await expect(machine.sync()).rejects.toThrow('the node has stopped');
  });
});
