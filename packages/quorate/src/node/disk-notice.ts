/**
 * What a replica knows of its disk, and tells its log when that changes. It only watches: that a node with a stalled
 * disk neither leads nor campaigns is decided in the core, from the same ticks.
 */
import type { Logger } from './logger.js';

/** What is known of a node's disk. */
export type DiskStatus =
  | { readonly state: 'working' }
  /** Writes are under way and none has ended for `stalledMs`: the node neither leads nor campaigns until one does. */
  | { readonly state: 'stalled'; readonly stalledMs: number }
  /** A write or sync has failed, and the node has stopped. */
  | { readonly state: 'failed'; readonly message: string };

const WORKING: DiskStatus = { state: 'working' };

export class DiskNotice {
  readonly #logger: Logger;
  #status: DiskStatus = WORKING;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** As of the last tick. */
  get status(): DiskStatus {
    return this.#status;
  }

  /** `stalledMs`: for how long writes have been under way with none ended, once that is too long; otherwise 0. */
  update(stalledMs: number): void {
    const before = this.#status;
    this.#status = stalledMs > 0 ? { state: 'stalled', stalledMs } : WORKING;
    if (before.state === this.#status.state) return;
    if (before.state === 'stalled') {
      this.#logger.info({ stalledMs: before.stalledMs }, 'the disk takes writes again');
    } else {
      this.#logger.warn(
        { stalledMs },
        'the disk has stalled: nothing is acknowledged, and this node neither leads nor campaigns, until a write ends',
      );
    }
  }
}
