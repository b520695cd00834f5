/** What every state machine has to do, as tests. It must never know which one it tests. */
import { expect, it } from 'vitest';
import { InvalidArgument } from '../../../packages/quorate/src/errors/index.js';
import { applyAll, type Command, contents, type Machine } from './table-application.js';

const set = (key: string, value = key): Command => ({ kind: 'set', key, value });

type Open = () => Promise<Machine>;

/** `open` gives a new, empty state machine for each test. */
export function testStateMachine(open: Open): void {
  testCommands(open);
  testTables(open);
  testReaders(open);
}

function testCommands(open: Open): void {
  it('begins at index 0 with nothing in it', async () => {
    const machine = await open();
    expect([machine.appliedIndex, machine.appliedTerm]).toEqual([0, 0]);
    expect(machine.read(contents)).toEqual([]);
  });

  it('shows what was applied together with the index and term of the last entry', async () => {
    const machine = await open();
    applyAll(machine, [set('a', '1'), null, set('b', '2'), null]);
    const seen = machine.read((view, { appliedIndex, appliedTerm }) => {
      const value = Buffer.from(view.keys.get('b') ?? []).toString();
      return { value, missing: view.keys.get('c'), appliedIndex, appliedTerm };
    });
    expect(seen).toEqual({ value: '2', missing: undefined, appliedIndex: 4, appliedTerm: 1 });
    expect([machine.appliedIndex, machine.appliedTerm]).toEqual([4, 1]);
  });

  it('answers every entry, and null for one without a command', async () => {
    const machine = await open();
    const commands: (Command | null)[] = [set('a'), null, { kind: 'delete', key: 'a' }, { kind: 'delete', key: 'a' }];
    expect(applyAll(machine, commands)).toEqual(['set', null, 'true', 'false']);
  });

  it('lets a command see what earlier ones of the same batch wrote', async () => {
    const machine = await open();
    const append = (add: string): Command => ({ kind: 'append', key: 'a', add });
    expect(applyAll(machine, [append('x'), append('y'), append('z')])).toEqual(['x', 'xy', 'xyz']);
  });

  it('lets a command change the table that it walks along', async () => {
    const machine = await open();
    applyAll(
      machine,
      ['a', 'b', 'c', 'd'].map((key) => set(key)),
    );
    expect(applyAll(machine, [{ kind: 'delete-range', from: 'b', count: 2 }])).toEqual(['b,c']);
    expect(applyAll(machine, [{ kind: 'grow', from: 'a', count: 3 }])).toEqual(['a,a+,a++']);
    const keys = machine.read((view) => [...view.keys.entries()].map(([key]) => key));
    expect(keys).toEqual(['a', 'a+', 'a++', 'a+++', 'd']);
  });
}

function testTables(open: Open): void {
  it('orders keys by their UTF-8 bytes, not by their UTF-16 units', async () => {
    const machine = await open();
    const keys = ['z', 'é', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{1f600}', '\u{10ffff}', 'zz', '\0', '\0\0'];
    applyAll(
      machine,
      keys.map((key) => set(key)),
    );
    const expected = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(expected).not.toEqual([...keys].sort());
    expect(machine.read((view) => [...view.keys.entries()].map(([key]) => key))).toEqual(expected);
    const behind = machine.read((view) => [...view.keys.entries('\u{ffff}')].map(([key]) => key));
    expect(behind).toEqual(['\u{ffff}', '\u{10000}', '\u{1f600}', '\u{10ffff}']);
    const between = machine.read((view) => [...view.keys.entries('z!')].map(([key]) => key).slice(0, 2));
    expect(between).toEqual(['zz', 'é']);
  });

  it('takes keys of 1 to 1,024 bytes and more, and refuses empty ones and lone surrogates', async () => {
    const machine = await open();
    const keys = ['a'.repeat(1_024), `${'a'.repeat(1_023)}b`, 'é'.repeat(512), 'b'.repeat(1_970)];
    applyAll(
      machine,
      keys.map((key) => set(key, `value of ${key}`)),
    );
    for (const key of keys) {
      expect(machine.read((view) => Buffer.from(view.keys.get(key) ?? []).toString())).toBe(`value of ${key}`);
    }
    expect(machine.read((view) => [...view.keys.entries()].map(([key]) => key))).toEqual([...keys].sort());
    for (const key of ['', 'b'.repeat(1_971), '\ud800', 'a\udc00b']) {
      expect(() => machine.read((view) => view.keys.get(key)), key.slice(0, 4)).toThrow(InvalidArgument);
    }
  });

  it('keeps values of any size exactly, empty ones too', async () => {
    const machine = await open();
    const values = ['', 'x', 'y'.repeat(4_096), 'z'.repeat(1_000_000), 'w'.repeat(8 * 1024 * 1024)];
    applyAll(
      machine,
      values.map((value, i) => set(`key ${i}`, value)),
      2,
    );
    for (const [i, value] of values.entries()) {
      const read = machine.read((view) => view.keys.get(`key ${i}`));
      expect(read !== undefined && Buffer.from(value).equals(read), `${value.length} bytes`).toBe(true);
    }
    const lengths = machine.read((view) => [...view.keys.entries()].map(([, value]) => value.byteLength));
    expect(lengths).toEqual(values.map(({ length }) => length));
  });
}

function testReaders(open: Open): void {
  it('gives values that nobody changes afterwards', async () => {
    const machine = await open();
    applyAll(machine, [set('a', 'one'), set('b', 'two')]);
    const values = machine.read((view) => [view.keys.get('a'), view.keys.get('b')]);
    applyAll(machine, [set('a', 'ONE'), set('b', 'TWO')]);
    machine.read(contents);
    expect(values.map((value) => Buffer.from(value ?? []).toString())).toEqual(['one', 'two']);
  });

  it('refuses a reader that is asynchronous, whatever becomes of its promise', async () => {
    const machine = await open();
    expect(() => machine.read(() => Promise.resolve(1))).toThrow(InvalidArgument);
    expect(() => machine.read(() => Promise.reject(new Error('nobody looks at it')))).toThrow(InvalidArgument);
  });

  it('lets the error of a reader through, and reads on', async () => {
    const machine = await open();
    applyAll(machine, [set('a')]);
    const fail = () => {
      throw new RangeError('of the reader');
    };
    expect(() => machine.read(fail)).toThrow(RangeError);
    expect(machine.read(contents)).toHaveLength(2);
  });

  it('lets a reader stop in the middle of a table, and read within a read', async () => {
    const machine = await open();
    applyAll(
      machine,
      ['a', 'b', 'c'].map((key) => set(key)),
    );
    for (let i = 0; i < 100; i += 1) {
      const first = machine.read((view) => {
        for (const [key] of view.keys.entries('b')) return machine.read((inner) => inner.keys.get(key));
        return undefined;
      });
      expect(Buffer.from(first ?? []).toString()).toBe('b');
    }
  });

  it('refuses entries out of order, and those of an unknown version', async () => {
    const machine = await open();
    applyAll(machine, [set('a')]);
    const entry = { index: 3, term: 1, timestampMs: 0, command: null };
    expect(() => machine.apply([entry])).toThrow('in order');
    expect(() => machine.apply([{ ...entry, index: 1 }])).toThrow('in order');
    expect(() => machine.apply([{ ...entry, index: 2, command: Buffer.from('2{}') }])).toThrow('not known');
  });
}
