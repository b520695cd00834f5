/**
 * The segments of a log that are not written any more, and their removal once a snapshot has what is in them. It must
 * never remove one in front of another that stays: a log with a gap cannot be told from one that somebody damaged.
 */
import { join } from 'node:path';
import type { Logger } from '../logger.js';
import type { Disk } from './disk.js';
import type { SegmentPlace } from './segment.js';
import { segmentName } from './segment-head.js';

interface OlderSegment {
  readonly number: number;
  readonly bytes: number;
  /** Of the last entry of the log before the next segment, as the head of that one names it. */
  readonly lastIndex: number;
  /** That entry is still in the log: without this segment and those before, the log can begin behind it. */
  readonly isKept: boolean;
}

export class OlderSegments {
  /** Oldest first. */
  #segments: OlderSegment[] = [];
  /** Those that nobody needs, and whose removal is not known to be durable. Oldest first. */
  readonly #going: OlderSegment[] = [];
  /** No removal could be missing after a loss of power. False for good once a sync has failed. */
  #isDurable = true;
  /** Settles when no removal is under way. Never rejects. */
  #removing: Promise<void> = Promise.resolve();

  get bytes(): number {
    return [...this.#going, ...this.#segments].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  add(segment: Omit<OlderSegment, 'isKept'>): void {
    this.#segments.push({ ...segment, isKept: true });
  }

  /** Entries from this index on were superseded: where they ended a segment, the log cannot begin any more. */
  supersede(index: number): void {
    for (let i = this.#segments.length - 1; i >= 0; i -= 1) {
      const segment = this.#segments[i] as OlderSegment;
      if (segment.isKept && segment.lastIndex < index) return;
      this.#segments[i] = { ...segment, isKept: false };
    }
  }

  /**
   * Removes those that nobody needs for entries behind `index`, and those that could not be removed before. Never
   * rejects: what cannot be removed is logged.
   */
  removeUpTo(index: number, place: SegmentPlace, logger: Logger): void {
    const last = this.#segments.findLastIndex(({ lastIndex, isKept }) => isKept && lastIndex <= index);
    this.#going.push(...this.#segments.splice(0, last + 1));
    if (this.#going.length === 0) return;
    this.#removing = this.#removing.then(async () => {
      try {
        await this.#removeAll(place);
      } catch (error) {
        logger.error({ error: String(error) }, 'files of the log that are not needed any more cannot be removed');
      }
    });
  }

  /** Up to the first that stays: after that none goes. */
  async #removeAll({ disk, directory }: SegmentPlace): Promise<void> {
    while (this.#isDurable && this.#going[0] !== undefined) {
      await removeFile(disk, join(directory, segmentName(this.#going[0].number)));
      // One by one: after a loss of power any of several removals could be there without those before it.
      this.#isDurable = false;
      await disk.syncDirectory(directory);
      this.#isDurable = true;
      this.#going.shift();
    }
  }

  /** Resolves when no removal is under way. */
  async settled(): Promise<void> {
    await this.#removing;
  }
}

/** A removal that failed before may have had its effect. */
async function removeFile(disk: Disk, path: string): Promise<void> {
  try {
    await disk.remove(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
