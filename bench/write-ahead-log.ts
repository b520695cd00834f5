/**
 * How many entries a second become durable in the write-ahead log on a real disk, at 1, 16 and 256 entries a step, with
 * O_DSYNC and with a write and a sync. Steps are awaited one by one, so nothing is merged; it must never run on a file
 * system in memory: `node --import ./scripts/typescript.mjs bench/write-ahead-log.ts [DIRECTORY]`, by default the
 * directory for temporary files.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Entry } from '../packages/quorate/src/core/index.js';
import { systemClock } from '../packages/quorate/src/node/clock.js';
import { silentLogger } from '../packages/quorate/src/node/logger.js';
import { type DurableWrites, NodeDisk } from '../packages/quorate/src/node/storage/node-disk.js';
import { openWriteAheadLog } from '../packages/quorate/src/node/storage/open-write-ahead-log.js';

const RUNS = 5;
const RUN_MS = 1_500;
const DATA_BYTES = 100;
const SIZES = [1, 16, 256];
const WAYS: readonly DurableWrites[] = ['o-dsync', 'write-then-sync'];

interface Figures {
  readonly perSecond: number;
  /** Of a step, in microseconds. */
  readonly medianUs: number;
  readonly p99Us: number;
}

async function run(parent: string, durableWrites: DurableWrites, size: number): Promise<Figures> {
  const directory = await mkdtemp(join(parent, 'quorate-bench-'));
  try {
    const { log } = await openWriteAheadLog({
      ...{ disk: new NodeDisk({ durableWrites }), clock: systemClock, logger: silentLogger, directory },
      ...{ clusterId: 'bench', incarnation: 'bench' },
    });
    const data = new Uint8Array(DATA_BYTES);
    const durations: number[] = [];
    const startedMs = performance.now();
    let index = 0;
    while (performance.now() - startedMs < RUN_MS) {
      const entries: Entry[] = [];
      for (let i = 0; i < size; i += 1) {
        index += 1;
        const proposal = { origin: 1, sequence: index };
        entries.push({ index, term: 1, kind: 'command', timestampMs: 1_700_000_000_000, proposal, data });
      }
      const stepMs = performance.now();
      await log.append({ hardState: { term: 1, vote: null, commit: index - size }, entries });
      durations.push(performance.now() - stepMs);
    }
    const elapsedMs = performance.now() - startedMs;
    await log.close();
    durations.sort((a, b) => a - b);
    const atUs = (share: number) => 1000 * (durations[Math.floor(share * durations.length)] ?? 0);
    return { perSecond: (1000 * index) / elapsedMs, medianUs: atUs(0.5), p99Us: atUs(0.99) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const parent = process.argv[2] ?? tmpdir();
const rows: Record<string, string | number>[] = [];
for (const size of SIZES) {
  for (const way of WAYS) {
    const figures: Figures[] = [];
    for (let i = 0; i < RUNS; i += 1) figures.push(await run(parent, way, size));
    rows.push({
      'entries a step': size,
      'durable by': way,
      'entries/s': Math.round(median(figures.map(({ perSecond }) => perSecond))),
      'step, median µs': Math.round(median(figures.map(({ medianUs }) => medianUs))),
      'step, p99 µs': Math.round(median(figures.map(({ p99Us }) => p99Us))),
    });
  }
}
console.log(`medians of ${RUNS} runs of ${RUN_MS} ms, ${DATA_BYTES} bytes of data an entry, in ${parent}`);
console.table(rows);
