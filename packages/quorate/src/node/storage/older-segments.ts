/**
 * The segments of a log that are not written any more, and their removal once a snapshot has what is in them. It must
 * never remove one in front of another that stays: a log with a gap cannot be told from one that somebody damaged.
 */
import { join } from 'node:path';
import type { Logger } from '../logger.js';
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
  /** Whether all segments that were to go are gone: after one that stays, none goes. */
  #removing: Promise<boolean> = Promise.resolve(true);

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
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

  /** Removes those that nobody needs for entries behind `index`. Never rejects: what cannot be removed is logged. */
  removeUpTo(index: number, { disk, directory }: SegmentPlace, logger: Logger): void {
    const last = this.#segments.findLastIndex(({ lastIndex, isKept }) => isKept && lastIndex <= index);
    const goes = this.#segments.splice(0, last + 1);
    if (goes.length === 0) return;
    this.#removing = this.#removing.then(async (allGone) => {
      if (!allGone) return false;
      try {
        for (const { number } of goes) {
          await disk.remove(join(directory, segmentName(number)));
          // One by one: after a loss of power any of several removals could be there without those before it.
          await disk.syncDirectory(directory);
        }
        return true;
      } catch (error) {
        logger.error({ error: String(error) }, 'files of the log that are not needed any more cannot be removed');
        return false;
      }
    });
  }

  /** Resolves when no removal is under way. */
  async settled(): Promise<void> {
    await this.#removing;
  }
}
