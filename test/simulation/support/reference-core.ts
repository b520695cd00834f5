/**
 * A core beside which a reader can stand: it tells what has been handed to the state machine, and what readers see of
 * it. If it is to, it counts acknowledgements as the reference's leader check does. Apart from that it must be a
 * RawNode.
 */
import {
  type Now,
  type RaftMessage,
  RawNode,
  type RawNodeOptions,
  type Ready,
} from '../../../packages/quorate/src/core/index.js';
import { AppliedWaiters } from '../../../packages/quorate/src/node/applied-waiters.js';

/**
 * Which acknowledgements confirm that a leader leads: those of messages sent after it was asked (R3), or whatever a
 * follower answers next, in the term of the leader.
 */
export type Acknowledgements = 'sent after' | 'any';

/** More than any world has reads under way at one node. */
const MAX_WAITING = 10_000;

/** An index that grows, and who waits for it. */
export class WatchedIndex {
  readonly waiters = new AppliedWaiters(MAX_WAITING);
  #value: number;

  constructor(value: number) {
    this.#value = value;
  }

  get value(): number {
    return this.#value;
  }

  become(value: number): void {
    this.#value = value;
    this.waiters.wake(value);
  }
}

export class ReferenceCore extends RawNode {
  /** The last index handed to the state machine, which may have it in its queue still. */
  readonly queued: WatchedIndex;
  /** The index of the state that readers see. */
  readonly visible: WatchedIndex;
  readonly #acknowledgements: Acknowledgements;

  constructor(options: RawNodeOptions, acknowledgements: Acknowledgements) {
    super(options);
    this.queued = new WatchedIndex(options.applied);
    this.visible = new WatchedIndex(options.applied);
    this.#acknowledgements = acknowledgements;
  }

  override step(message: RaftMessage, now: Now): void {
    const isAnswer = message.type === 'heartbeat-response' || message.type === 'append-entries-response';
    const { term, rounds } = this.status();
    const counts = this.#acknowledgements === 'any' && isAnswer && message.term === term;
    super.step(counts ? { ...message, round: rounds } : message, now);
  }

  override ready(): Ready {
    const ready = super.ready();
    const last = ready.committed.at(-1);
    if (last !== undefined) this.queued.become(last.index);
    return ready;
  }

  override applied(index: number): void {
    super.applied(index);
    this.visible.become(index);
  }
}
