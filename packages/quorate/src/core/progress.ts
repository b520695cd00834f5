/**
 * What a leader knows of one follower's log, and how it sends to it: `probe` (one append at a time until one matches),
 * `replicate` (a pipeline, limited by the inflights), or `snapshot` (nothing until it has what was cut off the log).
 * The match index must never go back within a term.
 */
import type { Inflights } from './inflights.js';

export type ProgressState = 'probe' | 'replicate' | 'snapshot';

export class Progress {
  readonly inflights: Inflights;
  #state: ProgressState = 'probe';
  #match = 0;
  #next: number;
  /** No append goes out until the follower answers: it is being probed and was sent one, or the inflights are full. */
  #paused = false;
  /** The highest commit index this follower was sent in the present state. */
  sentCommit = 0;
  /** It was heard of since the last check of the quorum. */
  recentlyActive = false;
  /**
   * A heartbeat went out since its last answer to one: that answer may bring one more append, and no further ones do.
   */
  mayResume = false;
  /** The highest round it has acknowledged in this term (R3). */
  round = 0;

  constructor(next: number, inflights: Inflights) {
    this.#next = next;
    this.inflights = inflights;
  }

  get state(): ProgressState {
    return this.#state;
  }

  /** Everything up to here is the same as the leader's, and durable there. */
  get match(): number {
    return this.#match;
  }

  /** The index to be sent next. */
  get next(): number {
    return this.#next;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** The one place where the state changes. */
  become(state: ProgressState): void {
    this.#state = state;
    this.#paused = state === 'snapshot';
    this.#next = this.#match + 1;
    this.sentCommit = Math.min(this.sentCommit, this.#match);
    this.inflights.reset();
  }

  /** An append up to `lastIndex` went out; `bytes` is 0 when it carried no entries. */
  sent(lastIndex: number, bytes: number): void {
    if (this.#state === 'replicate') {
      if (bytes > 0) {
        this.#next = lastIndex + 1;
        this.inflights.add(lastIndex, bytes);
      }
      this.#paused = this.inflights.full;
    } else if (bytes > 0) {
      this.#paused = true;
    }
  }

  /** The follower is alive and may take one more append, even if the last was lost. */
  resume(): void {
    this.#paused = this.#state === 'snapshot';
  }

  /** Appends up to `index` are no longer under way: there may be room for more. */
  freed(index: number): void {
    this.inflights.acknowledge(index);
    if (!this.inflights.full) this.#paused = false;
  }

  /** The follower has everything up to `index`. True when that is news. */
  acknowledged(index: number): boolean {
    const news = index > this.#match;
    if (news) {
      this.#match = index;
      this.#paused = this.#state === 'snapshot';
    }
    this.#next = Math.max(this.#next, index + 1);
    return news;
  }

  /**
   * The follower refused an append after `previousIndex`; the logs may agree at `hint`. True when that is news and
   * not an answer to an append that was overtaken since.
   */
  rejected(previousIndex: number, hint: number): boolean {
    if (this.#state === 'replicate') {
      if (previousIndex <= this.#match) return false;
      this.become('probe');
      return true;
    }
    if (this.#state === 'snapshot' || this.#next - 1 !== previousIndex) return false;
    this.#next = Math.max(Math.min(previousIndex, hint + 1), this.#match + 1);
    this.#paused = false;
    return true;
  }
}
