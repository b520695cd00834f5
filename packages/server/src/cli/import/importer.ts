/**
 * Writes records with bounded concurrency. Lines of the same key are written in their order. A bad line is reported
 * and skipped; a cluster that does not answer ends the import, with every line that was not written reported. Nothing
 * is swallowed.
 */
import { QuorateError } from 'quorate/errors';
import type { Line } from './lines.js';
import { type ImportRecord, parseRecord } from './record.js';

export interface ImportOptions {
  /** Writes under way at most. */
  readonly concurrency: number;
  /** How long a write whose outcome is unknown is repeated, in milliseconds. */
  readonly repeatForMs: number;
  readonly put: (key: string, value: Uint8Array) => Promise<unknown>;
  readonly onError: (line: number, error: Error) => void;
  /** Called once when the cluster's failure ends the import, so that the source is not waited for. */
  readonly onStop: () => void;
  /** After each line. */
  readonly onProgress: (progress: ImportProgress) => void;
  readonly now: () => number;
}

export interface ImportProgress {
  readonly imported: number;
  readonly errors: number;
  /** Bytes of the input that are done with. */
  readonly bytes: number;
}

export interface ImportSummary extends ImportProgress {
  /** Lines that were blank. */
  readonly blank: number;
  /** Writes that were sent again because nobody could tell whether they had been applied. */
  readonly repeated: number;
  /** The failure that ended the import before its last line; null when it came to its end. */
  readonly stoppedBy: QuorateError | null;
}

/** Rejects only when the source does. */
export async function importLines(lines: AsyncGenerator<Line>, options: ImportOptions): Promise<ImportSummary> {
  const importer = new Importer(lines, options);
  await Promise.all(Array.from({ length: options.concurrency }, () => importer.work()));
  return importer.summary;
}

class Importer {
  readonly #lines: AsyncGenerator<Line>;
  readonly #options: ImportOptions;
  /** The last write under way for each key. */
  readonly #underWay = new Map<string, Promise<unknown>>();
  #imported = 0;
  #errors = 0;
  #blank = 0;
  #repeated = 0;
  #bytes = 0;
  #stoppedBy: QuorateError | null = null;

  constructor(lines: AsyncGenerator<Line>, options: ImportOptions) {
    this.#lines = lines;
    this.#options = options;
  }

  get summary(): ImportSummary {
    const [imported, errors, blank, repeated] = [this.#imported, this.#errors, this.#blank, this.#repeated];
    return { imported, errors, blank, repeated, bytes: this.#bytes, stoppedBy: this.#stoppedBy };
  }

  /** One of the concurrent workers. The generator hands its lines out one by one. */
  async work(): Promise<void> {
    while (this.#stoppedBy === null) {
      const next = await this.#nextLine();
      if (next.done) return;
      await this.#importLine(next.value);
      this.#bytes = Math.max(this.#bytes, next.value.endsAt);
      this.#options.onProgress({ imported: this.#imported, errors: this.#errors, bytes: this.#bytes });
    }
  }

  /** A source that was closed because the import has ended is no failure of its own. */
  async #nextLine(): Promise<IteratorResult<Line, void>> {
    try {
      return await this.#lines.next();
    } catch (error) {
      if (this.#stoppedBy !== null) return { done: true, value: undefined };
      throw error;
    }
  }

  async #importLine(line: Line): Promise<void> {
    try {
      const record = parseRecord(line);
      if (record === null) this.#blank += 1;
      else await this.#inOrder(record);
    } catch (error) {
      this.#errors += 1;
      this.#options.onError(line.number, error as Error);
      if (!isOfTheCluster(error) || this.#stoppedBy !== null) return;
      this.#stoppedBy = error;
      this.#options.onStop();
    }
  }

  async #inOrder(record: ImportRecord): Promise<void> {
    const earlier = this.#underWay.get(record.key);
    const write = (earlier ?? Promise.resolve()).then(() => this.#write(record));
    // Whoever comes next waits for the end of this write, whichever it is; its failure is told for this line only.
    const settled = Promise.allSettled([write]);
    this.#underWay.set(record.key, settled);
    try {
      await write;
      this.#imported += 1;
    } finally {
      if (this.#underWay.get(record.key) === settled) this.#underWay.delete(record.key);
    }
  }

  /** To set a key to the same value twice does no harm, so that an unknown outcome is settled by writing again. */
  async #write({ key, value }: ImportRecord): Promise<void> {
    const until = this.#options.now() + this.#options.repeatForMs;
    for (;;) {
      try {
        await this.#options.put(key, value);
        return;
      } catch (error) {
        const unknown = error instanceof QuorateError && error.outcome === 'unknown';
        if (!unknown || this.#options.now() >= until) throw error;
        this.#repeated += 1;
      }
    }
  }
}

/** True for what the next line would meet as well. */
function isOfTheCluster(error: unknown): error is QuorateError {
  return error instanceof QuorateError && (error.retryable || error.outcome === 'unknown');
}
