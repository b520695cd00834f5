/**
 * The steps that wait for the disk, and how several of them become one record. Steps leave in the order in which they
 * came, and a step is settled exactly once. What it holds is bounded: a disk that takes nothing must not fill the
 * memory.
 */
import type { Entry } from '../../core/index.js';
import type { LogAppend } from './log-storage.js';
import type { LogTail } from './log-tail.js';
import { entryRecordBytes, type LogRecord } from './record.js';

export interface WaitingStep {
  readonly step: LogAppend;
  /** Of the log after this step. */
  readonly tail: LogTail;
  readonly bytes: number;
  resolve(): void;
  reject(error: Error): void;
}

export class StepQueue {
  #waiting: WaitingStep[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Bytes of entries, in the size of their records. */
  get bytes(): number {
    return this.#bytes;
  }

  push(step: LogAppend, tail: LogTail): Promise<void> {
    const bytes = step.entries.reduce((sum, entry) => sum + entryRecordBytes(entry), 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ step, tail, bytes, resolve, reject });
      this.#bytes += bytes;
    });
  }

  /**
   * Takes the steps of the next record out of the queue: as many as stay below `maxBytes` together, one at least. A log
   * begins anew with the first of them only.
   */
  take(maxBytes: number): readonly WaitingStep[] {
    let count = 0;
    let bytes = 0;
    for (const step of this.#waiting) {
      if (count > 0 && (bytes + step.bytes > maxBytes || (step.step.restart ?? null) !== null)) break;
      bytes += step.bytes;
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }
}

/** What the steps come to, one after the other: entries from an index on replace what was there before. */
export function mergeSteps(steps: readonly WaitingStep[]): LogRecord | null {
  const last = steps.at(-1);
  if (last === undefined) return null;
  if (steps.length === 1) return last.step;
  const entries: Entry[] = [];
  for (const { step } of steps) {
    const [first] = step.entries;
    if (first === undefined) continue;
    const base = entries[0]?.index ?? first.index;
    entries.length = Math.min(entries.length, Math.max(0, first.index - base));
    for (const entry of step.entries) entries.push(entry);
  }
  return { hardState: last.step.hardState, entries };
}
