/** Snapshots of a state in LMDB, and restores: from whole streams only, in one step, without disturbing anybody. */
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { StateDamaged, UnknownFormat } from '../../../../packages/quorate/src/errors/index.js';
import { CrashRecorder } from '../../../support/state-machine/crashes.js';
import { type Machine, openMachine, temporaryDirectory } from '../../../support/state-machine/lmdb-machines.js';
import {
  applyAll,
  type Command,
  contents,
  createMemoryMachine,
} from '../../../support/state-machine/table-application.js';
import { eventually } from '../../../support/wait.js';

const set = (key: string, value = key): Command => ({ kind: 'set', key, value });

const rejections: unknown[] = [];
process.on('unhandledRejection', (reason) => rejections.push(reason));
afterEach(() => {
  expect(rejections.splice(0)).toEqual([]);
});

async function collect(machine: Machine): Promise<readonly Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of machine.snapshot().chunks) chunks.push(Uint8Array.from(chunk));
  return chunks;
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function* from(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

const commands: readonly Command[] = Array.from({ length: 300 }, (_, i) =>
  i % 7 === 6 ? { kind: 'delete', key: `key ${i - 3}` } : set(`key ${i}`, 'x'.repeat(i * 3)),
);

/** Where the state of `filled` is. */
const AT = { appliedIndex: commands.length, appliedTerm: 1 + Math.floor(commands.length / 10) };

/** A machine with the commands applied, and the bytes of its snapshot. */
async function filled(): Promise<{ machine: Machine; bytes: Buffer }> {
  const machine = await openMachine({ path: await temporaryDirectory() });
  applyAll(machine, commands);
  return { machine, bytes: Buffer.concat(await collect(machine)) };
}

function stateFiles(names: readonly string[]): readonly string[] {
  return names.filter((name) => !name.startsWith('lock-')).sort();
}

function statesIn(names: readonly string[]): number {
  return names.filter((name) => /^state-\d+\.mdb$/.test(name)).length;
}

describe('a snapshot', () => {
  it('is the state at its index, while writes go on, and keeps the loop free', async () => {
    const machine = await openMachine({ path: await temporaryDirectory() });
    const memory = createMemoryMachine();
    const many = Array.from({ length: 20_000 }, (_, i) => set(`key ${i}`, 'x'.repeat(100)));
    applyAll(machine, many);
    applyAll(memory, many.slice(0, 200));
    const snapshot = machine.snapshot();
    const expected = machine.read(contents);
    expect([snapshot.appliedIndex, snapshot.appliedTerm]).toEqual([machine.appliedIndex, machine.appliedTerm]);
    const chunks: Uint8Array[] = [];
    let longestMs = 0;
    let startedMs = performance.now();
    let turns = 0;
    const watch = setInterval(() => {
      turns += 1;
      longestMs = Math.max(longestMs, performance.now() - startedMs);
      startedMs = performance.now();
    }, 0);
    for await (const chunk of snapshot.chunks) {
      chunks.push(chunk);
      applyAll(machine, [
        set(`key ${chunks.length}`, 'new'),
        set(`new ${chunks.length}`),
        { kind: 'delete', key: 'key 19' },
      ]);
    }
    clearInterval(watch);
    expect(turns, `the loop was blocked for ${longestMs} ms`).toBeGreaterThan(3);
    const copy = await openMachine({ path: await temporaryDirectory() });
    (await copy.restore(from(chunks), snapshot)).swap();
    expect(copy.read(contents)).toEqual(expected);
    expect([copy.appliedIndex, copy.appliedTerm]).toEqual([snapshot.appliedIndex, snapshot.appliedTerm]);
    expect(machine.read(contents)).not.toEqual(expected);
  });

  it('lets its view go at its end, when it is left early, and when it is released', async () => {
    const machine = await openMachine({ path: await temporaryDirectory(), maxViews: 1 });
    applyAll(machine, commands);
    await collect(machine);
    for await (const _ of machine.snapshot().chunks) break;
    const released = machine.snapshot();
    const chunks = released.chunks[Symbol.asyncIterator]();
    await chunks.next();
    released.release();
    await expect(chunks.next()).rejects.toThrow('is over');
    machine.view().release();
  });

  it('of an empty state is restored as one', async () => {
    const empty = await openMachine({ path: await temporaryDirectory() });
    const { machine } = await filled();
    (await machine.restore(from(await collect(empty)), { appliedIndex: 0, appliedTerm: 0 })).swap();
    expect(machine.read(contents)).toEqual([]);
    expect(machine.appliedIndex).toBe(0);
  });
});

describe('a restore', () => {
  it('gives the same state however the bytes are cut into chunks, and goes on behind its index', async () => {
    const { machine, bytes } = await filled();
    const expected = machine.read(contents);
    for (const size of [13, 1_000, 65_544, bytes.length]) {
      const copy = await openMachine({ path: await temporaryDirectory() });
      (await copy.restore(inPieces(bytes, size), AT)).swap();
      expect(copy.read(contents), `chunks of ${size} bytes`).toEqual(expected);
      expect(applyAll(copy, [set('behind it')])).toEqual(['set']);
      expect(copy.appliedIndex).toBe(commands.length + 1);
    }
  });

  it('refuses bytes of which any one was altered, and changes nothing then', async () => {
    const { bytes } = await filled();
    const machine = await openMachine({ path: await temporaryDirectory() });
    applyAll(machine, [set('kept')]);
    const before = machine.read(contents);
    // Every byte of the beginning and the end, and a good many of those between.
    for (let at = 0; at < bytes.length; at += at < 60 || at > bytes.length - 30 ? 1 : 1_777) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] as number) ^ 0x04;
      const error: unknown = await machine.restore(inPieces(altered, 5_000), AT).then(
        () => null,
        (reason: unknown) => reason,
      );
      const isTyped = error instanceof StateDamaged || error instanceof UnknownFormat;
      expect(isTyped, `byte ${at}: ${error}`).toBe(true);
    }
    expect(machine.read(contents)).toEqual(before);
  });

  it('refuses bytes that are cut off anywhere, and more than there should be', async () => {
    const { bytes } = await filled();
    const machine = await openMachine({ path: await temporaryDirectory() });
    for (const length of [0, 1, 8, 9, 16, 40, 50_000, 65_552, 65_560, bytes.length - 9, bytes.length - 1]) {
      const cut = machine.restore(inPieces(bytes.subarray(0, length), 5_000), AT);
      await expect(cut, `${length} bytes`).rejects.toThrow(StateDamaged);
    }
    for (const more of [bytes, Buffer.from([0]), Buffer.alloc(20)]) {
      const restored = machine.restore(from([bytes, more]), AT);
      await expect(restored, `${more.length} bytes more`).rejects.toThrow(StateDamaged);
    }
  });

  it('refuses blocks that are missing, repeated or in another order', async () => {
    const { machine } = await filled();
    const [opening, first, second, ...rest] = (await collect(machine)) as [Uint8Array, Uint8Array, Uint8Array];
    for (const blocks of [
      [opening, second, ...rest],
      [opening, second, first, ...rest],
      [opening, first, first, second, ...rest],
    ]) {
      await expect(machine.restore(from(blocks), AT)).rejects.toThrow('a checksum does not match');
    }
  });

  it('refuses a state that is not the one it should be', async () => {
    const { machine, bytes } = await filled();
    const later = { ...AT, appliedIndex: AT.appliedIndex + 1 };
    await expect(machine.restore(from([bytes]), later)).rejects.toThrow('it is at index 300, not at 301');
  });

  it('refuses a format of a later release, and tables that it does not have', async () => {
    const { machine, bytes } = await filled();
    const later = Buffer.from(bytes);
    later[7] = 2;
    await expect(machine.restore(from([later]), AT)).rejects.toThrow('has format 2 and this release reads format 1');
    const codec = { encode: () => Buffer.alloc(0), decode: () => null };
    const definition = { codec, tables: { elsewhere: 'text' }, apply: () => '' } as never;
    const other = await openMachine({ path: await temporaryDirectory(), definition });
    await expect(other.restore(from([bytes]), AT)).rejects.toThrow('it has a table "keys"');
  });

  it('leaves the views of the old state alone, and removes its file when the last of them is released', async () => {
    const { bytes, machine: source } = await filled();
    const path = await temporaryDirectory();
    const machine = await openMachine({ path });
    applyAll(machine, [set('old')]);
    const expected = machine.read(contents);
    const views = [machine.view(), machine.view()];
    const restored = await machine.restore(inPieces(bytes, 10_000), AT);
    expect(machine.read(contents)).toEqual(expected);
    applyAll(machine, [set('applied while the new state waits')]);
    restored.swap();
    expect(machine.read(contents)).toEqual(source.read(contents));
    applyAll(machine, [set('behind it')]);
    for (const view of views) {
      expect(contents(view.tables)).toEqual(expected);
      expect(view.appliedIndex).toBe(1);
    }
    expect(stateFiles(await readdir(path))).toContain('state-1.mdb');
    for (const view of views) view.release();
    await eventually('the removal of the old state', async () => !(await readdir(path)).includes('state-1.mdb'));
    expect(stateFiles(await readdir(path))).toEqual(['current', 'state-2.mdb', 'state-2.mdb-lock']);
  });

  it('is thrown away when it is discarded, and when it is not swapped in by the next one, or by the end', async () => {
    const { bytes } = await filled();
    const path = await temporaryDirectory();
    const machine = await openMachine({ path });
    applyAll(machine, [set('old')]);
    const first = await machine.restore(from([bytes]), AT);
    const second = await machine.restore(from([bytes]), AT);
    expect(statesIn(await readdir(path))).toBe(2);
    expect(first.swap).toThrow('is installed once');
    second.swap();
    expect(second.swap).toThrow('is installed once');
    const gone = await machine.restore(from([bytes]), AT);
    gone.discard();
    await eventually('the removal of what was discarded', async () => statesIn(await readdir(path)) === 1);
    expect(gone.swap).toThrow('is installed once');
    const third = await machine.restore(from([bytes]), AT);
    await machine.close();
    expect(third.swap).toThrow('the node has stopped');
    expect(statesIn(await readdir(path))).toBe(1);
  });

  it('ends when its signal fires, or the state machine closes, though no chunk ever comes', async () => {
    const never: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
    };
    const path = await temporaryDirectory();
    const machine = await openMachine({ path });
    const abort = new AbortController();
    const aborted = machine.restore(never, AT, { signal: abort.signal });
    await expect(machine.restore(never, AT)).rejects.toThrow('the limit of 1 restores of the state is reached');
    abort.abort();
    await expect(aborted).rejects.toThrow('the caller aborted the request');
    await expect(machine.restore(never, AT, { signal: abort.signal })).rejects.toThrow(
      'the caller aborted the request',
    );
    const closed = expect(machine.restore(never, AT)).rejects.toMatchObject({
      code: 'Canceled',
      cause: { code: 'Stopped' },
    });
    await machine.close();
    await closed;
    expect(stateFiles(await readdir(path))).toEqual(['current', 'state-1.mdb', 'state-1.mdb-lock']);
  });

  it('fails with the error of its source', async () => {
    const { machine, bytes } = await filled();
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 1_000);
      throw new RangeError('of the source');
    }
    await expect(machine.restore(failing(), AT)).rejects.toThrow(RangeError);
    expect(machine.read(contents)).toHaveLength(contents(machine.view().tables).length);
  });

  it('leaves the old state or the new one, whole, at whatever step the process is killed', async () => {
    const { machine: source, bytes } = await filled();
    const newState = source.read(contents);
    const path = await temporaryDirectory();
    const copies = await mkdtemp(join(await temporaryDirectory(), 'copies-'));
    const recorder = new CrashRecorder(path, copies);
    const { disk, renameSync } = recorder;
    const machine = await openMachine({ path, disk, renameSync });
    applyAll(machine, [set('old')]);
    const oldState = machine.read(contents);
    recorder.start();
    async function* recorded(): AsyncGenerator<Uint8Array> {
      for await (const chunk of inPieces(bytes, 30_000)) {
        recorder.record('before a chunk');
        yield chunk;
      }
      recorder.record('after the last chunk');
    }
    const restored = await machine.restore(recorded(), AT);
    recorder.record('ready');
    restored.swap();
    recorder.record('installed');
    await eventually('the removal of the old state', async () => !(await readdir(path)).includes('state-1.mdb'));
    recorder.record('the old state is gone');
    await machine.close();

    const steps = recorder.copies.map(({ step }) => step);
    expect(steps).toContain('wrote next.tmp');
    expect(steps).toContain('removed state-1.mdb');
    for (const { step, path: copy, replaced } of recorder.copies) {
      const after = await openMachine({ path: copy });
      expect(after.read(contents), step).toEqual(replaced ? newState : oldState);
      expect(after.appliedIndex, step).toBe(replaced ? commands.length : 1);
      const files = stateFiles(await readdir(copy));
      expect(
        files.filter((name) => name.endsWith('.mdb')),
        step,
      ).toHaveLength(1);
      expect(
        files.some((name) => name.endsWith('.tmp')),
        step,
      ).toBe(false);
      applyAll(after, [set('goes on')]);
      await after.close();
    }
    expect((await readFile(join(path, 'current'), 'utf8')).split('\n')[0]).toBe('quorate state 1');
  });
});
