/**
 * The writes of this node that are under way, from `propose` until their entry is applied here, or certainly never
 * will be. It must never call a write `not-applied` that a committed log may hold: once sent, only the log itself
 * decides.
 */
import type { Entry, Proposal, ProposalRejection, RejectedProposals } from '../core/index.js';
import {
  Canceled,
  type LeaderHint,
  NoLeader,
  type Outcome,
  Overloaded,
  type QuorateError,
  Stopped,
  TermChanged,
  Timeout,
  TransferInProgress,
  unreachable,
} from '../errors/index.js';
import type { Clock, Timer } from './clock.js';

export interface ProposeOptions {
  /** The write is dropped, certainly not applied, when it would be applied in another term. */
  readonly ifTerm?: number | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Applied<Result> {
  readonly index: number;
  readonly term: number;
  readonly result: Result;
}

interface Pending<Result> {
  readonly data: Uint8Array;
  readonly ifTerm: number | undefined;
  /** Where it is: not with any leader, or sent in `term` (then only the log knows what became of it). */
  at: { readonly kind: 'queued' } | { readonly kind: 'sent'; readonly sequence: number; readonly term: number };
  /** Why it was refused last, for the error when time runs out. */
  refusal: ProposalRejection | null;
  readonly resolve: (applied: Applied<Result>) => void;
  readonly fail: (error: QuorateError) => void;
}

const QUEUED = { kind: 'queued' } as const;

export class Proposals<Result> {
  readonly #origin: number;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #leader: () => LeaderHint | null;
  readonly #pending = new Set<Pending<Result>>();
  readonly #sent = new Map<number, Pending<Result>>();
  #queue: Pending<Result>[] = [];
  /** Refused, to be sent again at the next tick or when the leader changes. */
  #deferred: Pending<Result>[] = [];
  #bytes = 0;
  #lastSequence = 0;
  #appliedTerm = 0;

  constructor(options: {
    /** The boot id of this process. */
    readonly origin: number;
    readonly clock: Clock;
    /** Bytes of all writes under way. */
    readonly maxBytes: number;
    readonly leader: () => LeaderHint | null;
  }) {
    this.#origin = options.origin;
    this.#clock = options.clock;
    this.#maxBytes = options.maxBytes;
    this.#leader = options.leader;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Queues a command; `flush` takes it from there. Settles exactly once. */
  submit(data: Uint8Array, options: ProposeOptions): Promise<Applied<Result>> {
    const { ifTerm, timeoutMs, signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) throw new Canceled({ outcome: 'not-applied', cause: signal.reason });
      if (this.#bytes + data.byteLength > this.#maxBytes) {
        throw new Overloaded({ queue: 'bytes of writes under way', limit: this.#maxBytes }, { outcome: 'not-applied' });
      }
      const end = () => {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        this.#forget(pending);
      };
      const pending: Pending<Result> = {
        data,
        ifTerm,
        at: QUEUED,
        refusal: null,
        resolve: (applied) => {
          end();
          resolve(applied);
        },
        fail: (error) => {
          end();
          reject(error);
        },
      };
      const onAbort = () => pending.fail(new Canceled({ outcome: outcomeOf(pending), cause: signal?.reason }));
      const timer: Timer = this.#clock.setTimer(timeoutMs, () => pending.fail(this.#overdue(pending, timeoutMs)));
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#pending.add(pending);
      this.#bytes += data.byteLength;
      this.#queue.push(pending);
    });
  }

  #forget(pending: Pending<Result>): void {
    this.#pending.delete(pending);
    this.#bytes -= pending.data.byteLength;
    if (pending.at.kind === 'sent') this.#sent.delete(pending.at.sequence);
  }

  #overdue(pending: Pending<Result>, timeoutMs: number): QuorateError {
    const options = { outcome: outcomeOf(pending), leader: this.#leader() };
    if (pending.at.kind === 'sent') return new Timeout({ stage: 'commit', timeoutMs }, options);
    if (options.leader === null) return new NoLeader(options);
    if (pending.refusal === 'transfer-in-progress') return new TransferInProgress(options);
    return new Timeout({ stage: 'leader', timeoutMs }, options);
  }

  /**
   * Hands everything that waits to `send`, in the present `term`: those without a fence together, each fenced one
   * alone.
   */
  flush(term: number, send: (proposals: readonly Proposal[], ifTerm: number | undefined) => void): void {
    const queue = this.#queue.filter((pending) => this.#pending.has(pending));
    this.#queue = [];
    const free = queue.filter(({ ifTerm }) => ifTerm === undefined);
    if (free.length > 0)
      send(
        free.map((pending) => this.#markSent(pending, term)),
        undefined,
      );
    for (const pending of queue) {
      if (pending.ifTerm !== undefined) send([this.#markSent(pending, pending.ifTerm)], pending.ifTerm);
    }
  }

  get hasQueued(): boolean {
    return this.#queue.length > 0;
  }

  #markSent(pending: Pending<Result>, term: number): Proposal {
    const sequence = ++this.#lastSequence;
    pending.at = { kind: 'sent', sequence, term };
    this.#sent.set(sequence, pending);
    return { id: { origin: this.#origin, sequence }, data: pending.data };
  }

  /**
   * Refused proposals are certainly in no log: they may be sent again, unless they were fenced or the leader has no
   * room.
   */
  rejected({ ids, reason, term }: RejectedProposals): void {
    for (const { origin, sequence } of ids) {
      const pending = origin === this.#origin ? this.#sent.get(sequence) : undefined;
      if (pending === undefined) continue;
      this.#sent.delete(sequence);
      pending.at = QUEUED;
      pending.refusal = reason;
      switch (reason) {
        case 'overloaded':
          pending.fail(
            new Overloaded(
              { queue: 'bytes of uncommitted entries', limit: this.#maxBytes },
              { outcome: 'not-applied', leader: this.#leader() },
            ),
          );
          break;
        case 'term-changed':
          if (pending.ifTerm !== undefined && pending.ifTerm !== term) this.#fencedOff(pending, pending.ifTerm, term);
          else this.#deferred.push(pending);
          break;
        case 'not-leader':
        case 'transfer-in-progress':
          this.#deferred.push(pending);
          break;
        default:
          unreachable(reason);
      }
    }
  }

  #fencedOff(pending: Pending<Result>, expected: number, actual: number): void {
    pending.fail(new TermChanged({ expected, actual }, { leader: this.#leader() }));
  }

  /** Refused proposals get another chance: a tick has passed, or there is a new leader. */
  retryDeferred(): void {
    this.#queue.push(...this.#deferred);
    this.#deferred = [];
  }

  /**
   * An entry has been applied here. It settles its own proposal; and when it opens a later term, everything sent in
   * an earlier one that has not been applied by now never will be (docs/decisions: a superseded write is certainly
   * not applied).
   */
  applied(entry: Entry, result: Result | null): void {
    if (entry.term > this.#appliedTerm) {
      this.#appliedTerm = entry.term;
      this.#supersede(entry.term);
    }
    if (entry.proposal?.origin !== this.#origin) return;
    const { index, term } = entry;
    this.#sent.get(entry.proposal.sequence)?.resolve({ index, term, result: result as Result });
  }

  #supersede(term: number): void {
    for (const [sequence, pending] of this.#sent) {
      if (pending.at.kind !== 'sent' || pending.at.term >= term) continue;
      this.#sent.delete(sequence);
      pending.at = QUEUED;
      if (pending.ifTerm === undefined) this.#queue.push(pending);
      else this.#fencedOff(pending, pending.ifTerm, term);
    }
  }

  /** The node stops: what was not sent is not applied, the rest unknown. */
  stop(cause: unknown): void {
    for (const pending of this.#pending) pending.fail(new Stopped({ outcome: outcomeOf(pending), cause }));
  }
}

function outcomeOf<Result>({ at }: Pending<Result>): Outcome {
  return at.kind === 'queued' ? 'not-applied' : 'unknown';
}
