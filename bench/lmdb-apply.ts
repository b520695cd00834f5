/**
 * How long the state machine in LMDB takes for a batch as the applier makes them (64 entries, values of 1 KiB), and for
 * a read, with few keys and with many; and how much memory the process then has. It must never run on a file system in
 * memory: `node --import ./scripts/typescript.mjs bench/lmdb-apply.ts [DIRECTORY] [KEYS...]`.
 */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbStateMachine } from '../packages/quorate/src/lmdb/index.js';

const BATCH_ENTRIES = 64;
const VALUE_BYTES = 1_024;
const RUN_MS = 10_000;
/** Reads and batches in one turn of the loop. */
const SLICE_MS = 5;

const definition = {
  tables: { keys: 'text' },
  codec: {
    encode: ({ key, value }: { key: string; value: Uint8Array }) => Buffer.concat([Buffer.from(`1${key}\n`), value]),
    decode: (bytes: Uint8Array) => {
      const end = bytes.indexOf(0x0a);
      return { key: Buffer.from(bytes.subarray(1, end)).toString(), value: bytes.subarray(end + 1) };
    },
  },
  apply: (
    tables: { keys: { set(key: string, value: Uint8Array): void } },
    command: { key: string; value: Uint8Array },
  ): null => {
    tables.keys.set(command.key, command.value);
    return null;
  },
} as const;

type Machine = Awaited<ReturnType<typeof open>>;

function open(path: string) {
  return openLmdbStateMachine({ path, definition });
}

const keyName = (key: number) => `key ${String(key).padStart(9, '0')}`;
const value = Buffer.alloc(VALUE_BYTES, 'x');

/** One batch of these keys; how long it took, in milliseconds. */
function applyBatch(machine: Machine, keyOf: (i: number) => number): number {
  const first = machine.appliedIndex + 1;
  const entries = Array.from({ length: BATCH_ENTRIES }, (_, i) => {
    const command = machine.codec.encode({ key: keyName(keyOf(i)), value });
    return { index: first + i, term: 1, timestampMs: 1_700_000_000_000, command };
  });
  const startedMs = performance.now();
  machine.apply(entries);
  return performance.now() - startedMs;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Does it again and again, with turns of the loop in between. How often a second, and the time of processors each. */
async function repeat(run: () => void): Promise<{ perSecond: number; cpuMs: number }> {
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  let count = 0;
  while (performance.now() - startedMs < RUN_MS) {
    for (const end = performance.now() + SLICE_MS; performance.now() < end; count += 1) run();
    await turn();
  }
  const { user, system } = process.cpuUsage(startedCpu);
  return { perSecond: (1_000 * count) / (performance.now() - startedMs), cpuMs: (user + system) / 1_000 / count };
}

/** Resident memory that is not the mapped file, in MiB; null where the system does not tell. */
async function anonymousMiB(): Promise<number | null> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const [, kiB] = /^RssAnon:\s+(\d+) kB$/m.exec(status) ?? [];
  return kiB === undefined ? null : Math.round(Number(kiB) / 1_024);
}

async function measure(parent: string, keys: number): Promise<Record<string, string | number>> {
  const directory = await mkdtemp(join(parent, 'quorate-bench-'));
  try {
    const machine = await open(directory);
    const random = () => Math.floor(Math.random() * keys);
    const startedMs = performance.now();
    for (let key = 0; key < keys; key += BATCH_ENTRIES) {
      applyBatch(machine, (i) => (key + i) % keys);
      if ((key / BATCH_ENTRIES) % 8 === 0) await turn();
    }
    const filledMs = performance.now() - startedMs;
    const durations: number[] = [];
    const batches = await repeat(() => durations.push(applyBatch(machine, random)));
    durations.sort((a, b) => a - b);
    const atMs = (share: number) => (durations[Math.floor(share * durations.length)] ?? 0).toFixed(2);
    const reads = await repeat(() => machine.read(({ keys: table }) => table.get(keyName(random()))));
    const walk = machine.read(({ keys: table }) => {
      const walkedMs = performance.now();
      let walked = 0;
      for (const _ of table.entries()) {
        walked += 1;
        if (walked === 10_000) break;
      }
      return (1_000 * walked) / (performance.now() - walkedMs);
    });
    const { size } = await stat(join(directory, 'state-1.mdb'));
    const rssMiB = Math.round(process.memoryUsage.rss() / 2 ** 20);
    const anonymous = await anonymousMiB();
    await machine.close();
    return {
      keys,
      'filled, s': (filledMs / 1_000).toFixed(1),
      'batches/s': Math.round(batches.perSecond),
      'entries/s': Math.round(batches.perSecond * BATCH_ENTRIES),
      'batch, median ms': atMs(0.5),
      'batch, p99 ms': atMs(0.99),
      'batch, longest ms': atMs(1 - 1 / durations.length),
      'batch, ms of processor': batches.cpuMs.toFixed(2),
      'reads/s': Math.round(reads.perSecond),
      'read, µs of processor': (1_000 * reads.cpuMs).toFixed(1),
      'entries walked/s': Math.round(walk),
      'file, MiB': Math.round(size / 2 ** 20),
      'resident, MiB': rssMiB,
      'of that not the file, MiB': anonymous ?? '?',
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const [parent = tmpdir(), ...counts] = process.argv.slice(2);
const rows: Record<string, string | number>[] = [];
for (const keys of counts.length === 0 ? [1_000, 1_000_000] : counts.map(Number))
  rows.push(await measure(parent, keys));
console.log(`batches of ${BATCH_ENTRIES} entries, values of ${VALUE_BYTES} bytes, random keys, in ${parent}`);
console.log(
  'resident memory counts the pages of the file that are mapped, which the system takes back when it needs them',
);
for (const row of rows) console.table(row);
