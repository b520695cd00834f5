/**
 * The state in memory and the one in LMDB: for whatever commands, snapshots, restores and restarts fast-check comes up
 * with they answer alike, hold the same, and write the same bytes to a snapshot.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { silentLogger } from 'quorate';
import { WatchExpired } from 'quorate/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChangeHistory } from '../../../packages/server/src/store/change-history.js';
import type { KeyValueCommand, KeyValueResult } from '../../../packages/server/src/store/command.js';
import { HeldExportView } from '../../../packages/server/src/store/export-view.js';
import { readRange } from '../../../packages/server/src/store/key-value.js';
import {
  type OpenMachine,
  openKeyValueMachine,
  type StoreKind,
} from '../../../packages/server/src/store/key-value-machine.js';
import { hashRequest } from '../../../packages/server/src/store/request-hash.js';

let root: string;
let directories = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'quorate stores '));
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Replica extends OpenMachine {
  readonly history: ChangeHistory;
  readonly path: string;
}

async function open(kind: StoreKind, path?: string): Promise<Replica> {
  directories += 1;
  const history = new ChangeHistory();
  const at = path ?? join(root, String(directories));
  return { ...(await openKeyValueMachine(kind, { path: at, history, logger: silentLogger })), history, path: at };
}

/** The next entries; null is one without a command. */
function apply(
  { machine }: OpenMachine,
  commands: readonly (KeyValueCommand | null)[],
): readonly (KeyValueResult | null)[] {
  const first = machine.appliedIndex + 1;
  const entries = commands.map((command, at) => {
    const index = first + at;
    const data = command === null ? null : machine.codec.encode(command);
    return { index, term: 1 + Math.floor(index / 20), timestampMs: 0, command: data };
  });
  return machine.apply(entries);
}

/** The whole state, with its place, as the bytes of a snapshot. */
async function bytesOf({ machine }: OpenMachine): Promise<Buffer> {
  const snapshot = machine.snapshot();
  if (snapshot === null) throw new Error('a state of the server can always be written down');
  const chunks: Uint8Array[] = [];
  for await (const chunk of snapshot.chunks) chunks.push(chunk);
  snapshot.release();
  return Buffer.concat(chunks);
}

/** In pieces of `size` bytes, which go bad as soon as the next one is asked for. */
async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.byteLength; at += size) {
    const piece = Uint8Array.from(bytes.subarray(at, at + size));
    yield piece;
  }
}

async function restore({ machine }: OpenMachine, bytes: Uint8Array, of: OpenMachine, size = 1_000): Promise<void> {
  const { appliedIndex, appliedTerm } = of.machine;
  (await machine.restore(inPieces(bytes, size), { appliedIndex, appliedTerm })).swap();
}

const put = (key: string, value = key): KeyValueCommand => ({
  conditions: [],
  operations: [{ put: { key, value: Buffer.from(value) } }],
  request: null,
});

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'c', '\0', 'é', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{10ffff}'),
  fc.constantFrom('k'.repeat(1_024), '\u{1f600}'.repeat(256)),
);
const value = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.constant(new Uint8Array(9_000).fill(7)));
const operation = fc.oneof(fc.record({ put: fc.record({ key, value }) }), fc.record({ delete: fc.record({ key }) }));
const command: fc.Arbitrary<KeyValueCommand | null> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  {
    weight: 12,
    arbitrary: fc
      .record({
        conditions: fc.array(fc.record({ key, version: fc.nat(20) }), { maxLength: 2 }),
        operations: fc.array(operation, { minLength: 1, maxLength: 4 }),
        request: fc.option(
          fc.record({
            key: fc.constantFrom('r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7'),
            heldIndex: fc.option(fc.nat(30)),
            kept: fc.integer({ min: 1, max: 5 }),
          }),
        ),
      })
      .map(({ request, ...transaction }) => {
        const hash = hashRequest('txn', transaction, undefined);
        return { ...transaction, request: request === null ? null : { ...request, hash } };
      }),
  },
);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.array(command, { minLength: 1, maxLength: 25 }) },
  { weight: 2, arbitrary: fc.constantFrom('cross' as const, 'restart' as const) },
);

test('after any commands, restarts, and snapshots of one in the other, both hold and answer the same', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 10 }), fc.integer({ min: 1, max: 9_000 }), run);
  await fc.assert(property, { numRuns: 40 });
}, 120_000);

async function run(steps: readonly (readonly (KeyValueCommand | null)[] | 'cross' | 'restart')[], size: number) {
  let [memory, lmdb] = [await open('memory'), await open('lmdb')];
  // Never restored: what the others hold after their restores has to be what this one holds.
  const reference = await open('memory');
  for (const each of steps) {
    if (each === 'restart') {
      await lmdb.close();
      lmdb = await open('lmdb', lmdb.path);
    } else if (each === 'cross') {
      // A state at index 0 is in no snapshot.
      if (reference.machine.appliedIndex === 0) continue;
      const [ofMemory, ofLmdb] = [await bytesOf(memory), await bytesOf(lmdb)];
      const [fromLmdb, fromMemory] = [await open('memory'), await open('lmdb')];
      await restore(fromLmdb, ofLmdb, lmdb, size);
      await restore(fromMemory, ofMemory, memory, size);
      await lmdb.close();
      [memory, lmdb] = [fromLmdb, fromMemory];
    } else {
      const expected = apply(reference, each);
      expect(apply(memory, each)).toEqual(expected);
      expect(apply(lmdb, each)).toEqual(expected);
    }
    const bytes = await bytesOf(reference);
    expect(bytes.equals(await bytesOf(memory))).toBe(true);
    expect(bytes.equals(await bytesOf(lmdb))).toBe(true);
    const page = { prefix: '', start: '', limit: 1_000 };
    const entries = reference.machine.read((view) => readRange(view, page));
    expect(lmdb.machine.read((view) => plain(readRange(view, page)))).toEqual(plain(entries));
  }
  await lmdb.close();
}

const plain = (page: ReturnType<typeof readRange>) => {
  return page.entries.map((entry) => ({ ...entry, value: Buffer.from(entry.value).toString('hex') }));
};

describe.each(['memory', 'lmdb'] as const)('the state in %s', (kind) => {
  test('shows in a snapshot and in a held view as it was, whatever is written while they are read', async () => {
    const replica = await open(kind);
    const keys = Array.from({ length: 3_000 }, (_, at) => `k${String(at).padStart(5, '0')}`);
    apply(
      replica,
      keys.map((name) => put(name)),
    );
    const before = await bytesOf(replica);
    const snapshot = replica.machine.snapshot();
    const view = replica.machine.read((state) => new HeldExportView(state, { prefix: '', start: '' }));
    const chunks: Uint8Array[] = [];
    const exported: string[] = [];
    for await (const chunk of snapshot?.chunks ?? []) {
      chunks.push(chunk);
      apply(
        replica,
        keys.slice(0, 50).map((name) => put(name, `${name} ${chunks.length}`)),
      );
      apply(replica, [{ conditions: [], operations: [{ delete: { key: 'k02999' } }], request: null }]);
    }
    for (let entries = view.next(); entries !== null; entries = view.next()) {
      exported.push(...entries.map((entry) => Buffer.from(entry.value).toString()));
    }
    snapshot?.release();
    view.release();
    expect(chunks.length).toBeGreaterThan(2);
    expect(before.equals(Buffer.concat(chunks))).toBe(true);
    expect(exported).toEqual(keys);
    expect(before.equals(await bytesOf(replica))).toBe(false);
    await replica.close();
  });

  test('gives other work its turn while a snapshot is written and read back', async () => {
    const replica = await open(kind);
    for (let at = 0; at < 60_000; at += 1_000) {
      apply(
        replica,
        Array.from({ length: 1_000 }, (_, i) => put(`k${at + i}`)),
      );
    }
    let turns = 0;
    const counting = setInterval(() => {
      turns += 1;
    });
    const bytes = await bytesOf(replica);
    const whileWritten = turns;
    const other = await open(kind);
    // One piece: what it is given in one turn must not decide how long a step takes.
    await restore(other, bytes, replica, bytes.length);
    clearInterval(counting);
    expect(whileWritten).toBeGreaterThan(2);
    expect(turns - whileWritten).toBeGreaterThan(2);
    await Promise.all([replica.close(), other.close()]);
  });

  test('a restore begins the history of changes anew: a watch from before gets WatchExpired (case 12)', async () => {
    const [ahead, replica] = [await open(kind), await open(kind)];
    apply(
      ahead,
      ['a', 'b', 'c', 'd', 'e'].map((name) => put(name)),
    );
    apply(
      replica,
      ['a', 'b'].map((name) => put(name)),
    );
    const { history } = replica;
    const watching = history.open({ prefix: '', from: 3 });
    const woken = watching.wait(60_000, new AbortController().signal);
    const bytes = await bytesOf(ahead);
    const { appliedIndex, appliedTerm } = ahead.machine;
    const restored = await replica.machine.restore(inPieces(bytes, 100), { appliedIndex, appliedTerm });
    expect(history.appliedIndex).toBe(2);
    restored.swap();
    await woken;
    expect(() => watching.take()).toThrow(WatchExpired);
    expect(() => history.open({ prefix: '', from: 5 })).toThrow(new WatchExpired({ from: 5, oldest: 6 }));
    const next = history.open({ prefix: '', from: 6 });
    apply(replica, [put('f')]);
    expect(next.take()).toMatchObject([{ index: 6, changes: [{ key: 'f', version: 6 }] }]);
    await Promise.all([ahead.close(), replica.close()]);
  });

  test('a snapshot of another place, or with something missing, is refused and changes nothing', async () => {
    const [source, replica] = [await open(kind), await open(kind)];
    apply(
      source,
      ['a', 'b'].map((name) => put(name)),
    );
    apply(replica, [put('z')]);
    const [bytes, before] = [await bytesOf(source), await bytesOf(replica)];
    const elsewhere = replica.machine.restore(inPieces(bytes, 100), { appliedIndex: 3, appliedTerm: 1 });
    await expect(elsewhere).rejects.toMatchObject({ code: 'StateDamaged' });
    const cut = replica.machine.restore(inPieces(bytes.subarray(0, -9), 100), { appliedIndex: 2, appliedTerm: 1 });
    await expect(cut).rejects.toMatchObject({ code: 'StateDamaged' });
    expect(before.equals(await bytesOf(replica))).toBe(true);
    await Promise.all([source.close(), replica.close()]);
  });
});

test('a range begins alike in both, wherever it is told to begin, also where no key can be', async () => {
  const [memory, lmdb] = [await open('memory'), await open('lmdb')];
  const keys = ['a', 'k'.repeat(1_023), 'k'.repeat(1_024), `${'k'.repeat(1_023)}l`, 'é'.repeat(512), 'z'];
  for (const each of [memory, lmdb]) {
    apply(
      each,
      keys.map((name) => put(name)),
    );
  }
  const starts = ['', 'b', 'k'.repeat(1_025), 'k'.repeat(3_000), 'é'.repeat(513), 'é'.repeat(2_000), '\u{10ffff}'];
  for (const start of [...starts, `${'k'.repeat(1_898)}\u{1f600}`, `${'k'.repeat(1_899)}é`]) {
    const [inMemory, onDisk] = [memory, lmdb].map(({ machine }) =>
      machine.read((view) => readRange(view, { prefix: '', start, limit: 10 }).entries.map((entry) => entry.key)),
    );
    expect(onDisk).toEqual(inMemory);
    expect(onDisk).toEqual(keys.filter((name) => Buffer.compare(Buffer.from(name), Buffer.from(start)) >= 0).sort());
  }
  await lmdb.close();
});

test('a state that was kept on the disk begins the history of changes behind it', async () => {
  const before = await open('lmdb');
  apply(
    before,
    ['a', 'b', 'c'].map((name) => put(name)),
  );
  await before.close();
  const after = await open('lmdb', before.path);
  expect(after.machine.appliedIndex).toBe(3);
  expect(after.history.appliedIndex).toBe(3);
  expect(() => after.history.open({ prefix: '', from: 3 })).toThrow(new WatchExpired({ from: 3, oldest: 4 }));
  const watching = after.history.open({ prefix: '', from: 4 });
  apply(after, [put('d')]);
  expect(watching.take()).toMatchObject([{ index: 4 }]);
  await after.close();
});

test('more views at a time than there may be are refused, and each release makes room', async () => {
  const replica = await open('lmdb');
  apply(replica, [put('a')]);
  const take = () => replica.machine.read((view) => view.hold());
  const held = Array.from({ length: 52 }, take);
  expect(take).toThrow(expect.objectContaining({ code: 'Overloaded' }));
  held[7]?.release();
  held[7]?.release();
  const again = take();
  expect(take).toThrow(expect.objectContaining({ code: 'Overloaded' }));
  for (const each of [...held, again]) each.release();
  await replica.close();
});
