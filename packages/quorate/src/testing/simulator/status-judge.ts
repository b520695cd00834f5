/**
 * What a client may be told by the status of a node: never that it is less far behind than it is, nor that anyone leads
 * who does not (R8). It must never demand what a node cannot know: the state of the world a while ago is enough.
 */
import type { NodeStatus } from '../../node/index.js';
import type { EventQueue } from './event-queue.js';
import { check } from './invariants/violation.js';
import type { Ledger } from './ledger.js';

export interface StatusJudgeOptions {
  readonly queue: EventQueue;
  readonly ledger: Ledger;
  /** For how many milliseconds of the world a confirmed bound may tell how far behind a node is. */
  readonly lagWindowMs: number;
}

export class StatusJudge {
  readonly #options: StatusJudgeOptions;
  /** The floors of the last `lagWindowMs`, oldest first, and the one before them. */
  readonly #floors: { readonly sinceMs: number; readonly index: number }[] = [];

  constructor(options: StatusJudgeOptions) {
    this.#options = options;
  }

  /** Throws a Violation unless the status is true of the node. */
  judge({ id, role, term, leader, lag, applied }: NodeStatus): void {
    const floor = this.#floorBeforeWindow();
    const context = { node: id, term };
    if (lag !== null) {
      const message = 'a node that says how far behind it is has everything that was told a while ago';
      check(applied + lag >= floor, 'read freshness', message, { ...context, applied, lag, floor });
    }
    const says = leader?.id;
    // Whoever has won in this very moment is known to nobody yet.
    const leads = this.#options.ledger.leaders.get(term)?.id ?? (role === 'leader' ? id : undefined);
    check(role !== 'leader' || says === id, 'client oracle', 'who leads names itself', { ...context, says });
    if (says === undefined) return;
    check(says === leads, 'client oracle', 'a node names the leader of its term', { ...context, role, says, leads });
  }

  #floorBeforeWindow(): number {
    const { queue, ledger, lagWindowMs } = this.#options;
    const floors = this.#floors;
    if (floors.at(-1)?.index !== ledger.floor) floors.push({ sinceMs: queue.nowMs, index: ledger.floor });
    while (floors[1] !== undefined && floors[1].sinceMs < queue.nowMs - lagWindowMs) floors.shift();
    const [oldest] = floors;
    return oldest !== undefined && oldest.sinceMs < queue.nowMs - lagWindowMs ? oldest.index : 0;
  }
}
