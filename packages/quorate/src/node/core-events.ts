/**
 * Tells subscribers what the core of a node does: whom it follows, the rounds it opens, how long its entries take to be
 * committed. It must only look: nothing that it sees may be changed, and nothing is measured while nobody listens.
 */
import type { RawNode, Ready } from '../core/index.js';
import type { Clock } from './clock.js';
import { CommitTimes } from './commit-times.js';
import type { NodeEvents } from './node-events.js';

export class CoreEvents {
  readonly #events: Pick<NodeEvents, 'leader' | 'round' | 'commit'>;
  readonly #clock: Clock;
  readonly #commitTimes = new CommitTimes();

  constructor(events: Pick<NodeEvents, 'leader' | 'round' | 'commit'>, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
  }

  /** The leader or the term has changed. */
  leader({ leader, term, role }: Pick<RawNode, 'leader' | 'term' | 'role'>): void {
    if (this.#events.leader.wanted) this.#events.leader.publish({ term, leader, role });
  }

  /** Before the entries are applied: the rest of what they take is another figure. */
  ready({ role, term }: Pick<RawNode, 'role' | 'term'>, { openedRounds, persist, committed }: Ready): void {
    const { round, commit } = this.#events;
    if (round.wanted) for (const requests of openedRounds) round.publish({ term, requests });
    if (role !== 'leader' || !commit.wanted) {
      this.#commitTimes.reset();
      return;
    }
    const appended = persist?.entries.at(-1);
    const reached = committed.at(-1);
    if (appended === undefined && reached === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    if (appended !== undefined) this.#commitTimes.appended(term, { index: appended.index, atMs: nowMs });
    if (reached === undefined) return;
    for (const { index, atMs } of this.#commitTimes.committed(reached.index)) {
      commit.publish({ term, index, durationMs: nowMs - atMs });
    }
  }
}
