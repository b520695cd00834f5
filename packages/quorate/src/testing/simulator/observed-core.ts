/**
 * A core that tells the world what goes in and what comes out. It must never change either, apart from freezing what
 * the core hands out, nor do anything that the core's caller did not ask for.
 */
import type {
  CoreStatus,
  Entry,
  LogPosition,
  LogStart,
  NodeId,
  Now,
  Proposal,
  RaftMessage,
  Ready,
  Role,
} from '../../core/index.js';
import type { Core } from '../../node/index.js';
import { freezeReady } from './freeze-ready.js';
import type { Notify, ObservedNode } from './observer.js';

export class ObservedCore implements Core {
  readonly #core: Core;
  readonly #node: ObservedNode & { committed(entry: Entry): void };
  readonly #notify: Notify;
  readonly #record: (line: string) => void;
  readonly #received: (message: RaftMessage) => void;

  #leads = false;

  constructor(parts: {
    core: Core;
    node: ObservedNode & { committed(entry: Entry): void };
    notify: Notify;
    record: (line: string) => void;
    received: (message: RaftMessage) => void;
  }) {
    this.#core = parts.core;
    this.#node = parts.node;
    this.#notify = parts.notify;
    this.#record = parts.record;
    this.#received = parts.received;
  }

  get role(): Role {
    return this.#core.role;
  }

  get term(): number {
    return this.#core.term;
  }

  get leader(): NodeId | null {
    return this.#core.leader;
  }

  status(): CoreStatus {
    return this.#core.status();
  }

  step(message: RaftMessage, now: Now): void {
    this.#received(message);
    this.#core.step(message, now);
  }

  tick(now: Now): void {
    this.#core.tick(now);
  }

  propose(proposals: readonly Proposal[], now: Now, options: { readonly ifTerm?: number | undefined } = {}): void {
    const term = options.ifTerm ?? this.#core.term;
    for (const proposal of proposals) {
      this.#record(`propose ${proposal.id.sequence} term=${term}`);
      this.#notify('onProposed', this.#node, proposal, term);
    }
    this.#core.propose(proposals, now, options);
  }

  readIndex(read: number, now: Now): void {
    this.#record(`bound request ${read}`);
    this.#notify('onReadStarted', this.#node, read);
    this.#core.readIndex(read, now);
  }

  cancelRead(read: number): void {
    this.#record(`bound request ${read} canceled`);
    this.#notify('onReadCancelled', this.#node, read);
    this.#core.cancelRead(read);
  }

  campaign(now: Now): void {
    this.#record('campaign');
    this.#core.campaign(now);
  }

  transferLeadership(to: NodeId, now: Now): void {
    this.#record(`transfer to ${to}`);
    this.#core.transferLeadership(to, now);
  }

  unreachable(peer: NodeId): void {
    this.#record(`unreachable ${peer}`);
    this.#core.unreachable(peer);
  }

  persisted(number: number, now: Now): void {
    this.#core.persisted(number, now);
  }

  applied(index: number): void {
    this.#core.applied(index);
  }

  snapshotted(position: LogPosition): void {
    this.#record(`snapshot ${position.index}/${position.term}`);
    this.#notify('onSnapshot', this.#node, position);
    this.#core.snapshotted(position);
  }

  cutLog(index: number): void {
    this.#record(`log cut to ${index}`);
    this.#core.cutLog(index);
  }

  lacks(position: LogPosition): boolean {
    return this.#core.lacks(position);
  }

  startWithin(maxBytes: number): number {
    return this.#core.startWithin(maxBytes);
  }

  startAt(index: number): LogStart {
    return this.#core.startAt(index);
  }

  restore(start: LogStart): boolean {
    const replaces = this.#core.restore(start);
    this.#record(`restore ${start.index}/${start.term} ${replaces ? 'replaces the log' : 'is not needed'}`);
    return replaces;
  }

  hasReady(): boolean {
    if (this.#core.hasReady()) return true;
    const status = this.#core.status();
    if (status.role === 'leader' && !this.#leads) this.#record(`leads term ${status.term}`);
    this.#leads = status.role === 'leader';
    this.#notify('onInputs', this.#node, status);
    this.#notify('onTurn', this.#node, status);
    return false;
  }

  ready(): Ready {
    const status = this.#core.status();
    this.#notify('onInputs', this.#node, status);
    const ready = freezeReady(this.#core.ready());
    const { persist, committed, rejected, reads } = ready;
    if (persist !== null) {
      const { number, entries, hardState } = persist;
      this.#node.log.submit(persist);
      this.#record(`persist ${number} entries=${entries.length} term=${hardState.term}`);
      this.#notify('onPersist', this.#node, persist);
      this.#node.log.completeThrough(0, (step) => this.#notify('onDurable', this.#node, step));
    }
    for (const entry of committed) {
      this.#node.committed(entry);
      this.#notify('onCommitted', this.#node, entry);
    }
    for (const refused of rejected) this.#notify('onRejected', this.#node, refused);
    for (const result of reads) {
      this.#record(
        `bound request ${result.read} ${result.ok ? `index=${result.index} term=${result.term}` : result.reason}`,
      );
      this.#notify('onReadEnded', this.#node, result);
    }
    return ready;
  }
}
