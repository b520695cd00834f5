/**
 * Whether the log would be faster in recycled segments: durable appends, one by one, to segments that were filled with
 * zeros before, as they are now (alone, and while as many bytes of the next segment are filled), and to old segments
 * that are written over. The ways take turns for each MiB, so that what else the machine does meets all of them. It
 * must never run on a file system in memory: `npm run bench -- segment-blocks [DIRECTORY]`, by default the directory
 * for temporary files.
 */
import { randomFillSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DiskFile } from '../packages/quorate/src/node/storage/disk.js';
import { NodeDisk } from '../packages/quorate/src/node/storage/node-disk.js';
import { allocate } from '../packages/quorate/src/node/storage/segment.js';

const MIB = 1024 * 1024;
const SEGMENT_MIB = 16;
const SEGMENTS = 4;
const SIZES = [4 * 1024, 64 * 1024];
const ZEROS = Buffer.alloc(MIB);
const ways = ['fresh', 'fresh, the next one is filled', 'recycled'] as const;
type Way = (typeof ways)[number];

const disk = new NodeDisk();
const { signal } = new AbortController();

/** The milliseconds of every append, and of every MiB with what was filled beside it. */
type Durations = Record<Way, { readonly appends: number[]; readonly mibs: number[] }>;

/** Fills one segment in each way. */
async function fillSegments(directory: string, number: number, data: Buffer, durations: Durations): Promise<void> {
  const fresh = () => allocate({ disk, directory }, { number, bytes: SEGMENT_MIB * MIB, signal });
  const files = new Map<Way, DiskFile>();
  for (const [at, way] of ways.entries()) {
    // As the folder of a log does, each file has a name of its own.
    const { file, path } = await fresh();
    await disk.rename(path, join(directory, `${number}-${at}`));
    if (way === 'recycled') await overwrite(file);
    files.set(way, file);
  }
  const next = await disk.open(join(directory, `${number}-next`), 'create');
  for (let mib = 0; mib < SEGMENT_MIB; mib += 1) {
    for (let turn = 0; turn < ways.length; turn += 1) {
      const way = ways[(mib + turn) % ways.length] as Way;
      const { appends, mibs } = durations[way];
      const startedMs = performance.now();
      const filled = way === 'fresh, the next one is filled' ? next.writeDurably(ZEROS, mib * MIB) : null;
      await append(files.get(way) as DiskFile, mib * MIB, data, appends);
      await filled;
      mibs.push(performance.now() - startedMs);
    }
  }
  await Promise.all([...files.values(), next].map((file) => file.close()));
}

/** What an old segment is: full of other bytes. */
async function overwrite(file: DiskFile): Promise<void> {
  const old = randomFillSync(Buffer.alloc(MIB));
  for (let mib = 0; mib < SEGMENT_MIB; mib += 1) await file.writeDurably(old, mib * MIB);
}

async function append(file: DiskFile, from: number, data: Buffer, durations: number[]): Promise<void> {
  for (let offset = from; offset < from + MIB; offset += data.length) {
    const beganMs = performance.now();
    await file.writeDurably(data, offset);
    durations.push(performance.now() - beganMs);
  }
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0;
}

const parent = process.argv[2] ?? tmpdir();
console.log(`${SEGMENTS} segments of ${SEGMENT_MIB} MiB in each way, in turns, in ${parent}`);
const rows: Record<string, Record<string, number>> = {};
for (const size of SIZES) {
  const durations = Object.fromEntries(ways.map((way) => [way, { appends: [], mibs: [] }])) as unknown as Durations;
  const directory = await mkdtemp(join(parent, 'quorate-bench-'));
  try {
    const data = randomFillSync(Buffer.alloc(size));
    for (let number = 1; number <= SEGMENTS; number += 1) await fillSegments(directory, number, data, durations);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  const medianOf = (way: Way, what: 'appends' | 'mibs') => quantile(durations[way][what], 0.5);
  const ratio = (way: Way, what: 'appends' | 'mibs') =>
    Math.round((100 * medianOf(way, what)) / medianOf('fresh', what)) / 100;
  for (const way of ways) {
    rows[`${size / 1024} KiB, ${way}`] = {
      'append, median µs': Math.round(1_000 * medianOf(way, 'appends')),
      'of fresh': ratio(way, 'appends'),
      'append, p99 µs': Math.round(1_000 * quantile(durations[way].appends, 0.99)),
      'a MiB, median ms': Math.round(10 * medianOf(way, 'mibs')) / 10,
      'of fresh ': ratio(way, 'mibs'),
    };
  }
}
console.table(rows);
