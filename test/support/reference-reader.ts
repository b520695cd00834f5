/**
 * A reader that does what the system does that Quorate learned from: it compares the leader's index with the applied
 * index of the *node*, which moves when entries are handed to the state machine, asks again by the clock, and heeds
 * its caller only in between. It is stale and late, and the tests show it; nothing else may use it.
 */
import { Aborted, LagBehind } from '../../packages/quorate/src/errors/index.js';
import type { Clock } from '../../packages/quorate/src/reads/clock.js';
import type { Leader, ReadIndex } from '../../packages/quorate/src/reads/leader.js';

/** What the reference asks of a state machine: an index that belongs to the node, and a read that checks nothing. */
export interface ReferenceFsm<Tx> {
  /** The last index handed to the state machine. */
  appliedIndex(): number;
  read(fn: (tx: Tx) => void): void;
}

export const CHECK_INTERVAL_MS = 14;
const MAX_DISTANCE = 10_240;

export class ReferenceReader<Tx> {
  readonly #leader: Leader;
  readonly #fsm: ReferenceFsm<Tx>;
  readonly #clock: Clock;

  constructor(parts: { readonly leader: Leader; readonly fsm: ReferenceFsm<Tx>; readonly clock: Clock }) {
    this.#leader = parts.leader;
    this.#fsm = parts.fsm;
    this.#clock = parts.clock;
  }

  async consistentRead(fn: (tx: Tx, bound: ReadIndex) => void, signal?: AbortSignal): Promise<void> {
    const bound = await this.waitLeaderCommitIndexApplied(signal);
    this.#fsm.read((tx) => {
      // The second look, inside the transaction: at the same index as the first one, which is not that of the
      // transaction.
      const applied = this.#fsm.appliedIndex();
      if (applied < bound.index) throw new Aborted({ required: bound.index, applied });
      fn(tx, bound);
    });
  }

  /** Each call asks the leader by itself, and does not tell it of its caller: the leader has a deadline of its own. */
  async waitLeaderCommitIndexApplied(signal?: AbortSignal): Promise<ReadIndex> {
    const bound = await this.#leader.readIndex({ signal: new AbortController().signal });
    while (!this.#reached(bound)) await nextLook(this.#clock, signal);
    return bound;
  }

  #reached({ index: required }: ReadIndex): boolean {
    const applied = this.#fsm.appliedIndex();
    if (required - applied > MAX_DISTANCE) throw new LagBehind({ required, applied, limit: MAX_DISTANCE });
    return applied >= required;
  }
}

/** Until it looks again. Rejects with the reason of `signal`. */
export function nextLook(clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const end = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(CHECK_INTERVAL_MS, () => {
      signal?.removeEventListener('abort', end);
      resolve();
    });
    signal?.addEventListener('abort', end, { once: true });
  });
}
