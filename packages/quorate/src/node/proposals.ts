/**
 * The writes of this node that are under way, from `propose` until their entry is applied here, or certainly never
 * will be. It must never call a write `not-applied` that a committed log may hold: once sent, only the log itself
 * decides.
 */
import {
  type Entry,
  entryBytes,
  type Proposal,
  type ProposalRejection,
  type RejectedProposals,
} from '../core/index.js';
import {
  Canceled,
  type LeaderHint,
  NoLeader,
  type Outcome,
  Overloaded,
  type QuorateError,
  SnapshotInstalling,
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
  readonly submittedAtMs: number;
  /** Where it is: not with any leader, or sent in `term` (then only the log knows what became of it). */
  at: { readonly kind: 'queued' } | { readonly kind: 'sent'; readonly sequence: number; readonly term: number };
  /** Why it was refused last, for the error when time runs out. */
  refusal: ProposalRejection | null;
  readonly resolve: (applied: Applied<Result>) => void;
  readonly fail: (error: QuorateError) => void;
}

const QUEUED = { kind: 'queued' } as const;

/** Writes travel together up to this size: a message to the leader has a limit. */
const MAX_BATCH_BYTES = 1024 * 1024;

export class Proposals<Result> {
  readonly #origin: number;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #termWaitMs: number;
  readonly #leader: () => LeaderHint | null;
  readonly #pending = new Set<Pending<Result>>();
  readonly #sent = new Map<number, Pending<Result>>();
  readonly #queue = new Set<Pending<Result>>();
  /** Refused, to be sent again at the next tick or when the leader changes. */
  readonly #deferred = new Set<Pending<Result>>();
  #bytes = 0;
  #lastSequence = 0;
  #appliedTerm = 0;

  constructor(options: {
    /** The boot id of this process. */
    readonly origin: number;
    readonly clock: Clock;
    /** Bytes of all writes under way. */
    readonly maxBytes: number;
    /** How long a term that a write is fenced to may take to be heard of here, ms: one election timeout. */
    readonly termWaitMs: number;
    readonly leader: () => LeaderHint | null;
  }) {
    this.#origin = options.origin;
    this.#clock = options.clock;
    this.#maxBytes = options.maxBytes;
    this.#termWaitMs = options.termWaitMs;
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
      const bytes = entryBytes({ data });
      if (this.#bytes + bytes > this.#maxBytes) {
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
        submittedAtMs: this.#clock.monotonicMs(),
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
      this.#bytes += bytes;
      this.#queue.add(pending);
    });
  }

  #forget(pending: Pending<Result>): void {
    this.#pending.delete(pending);
    this.#queue.delete(pending);
    this.#deferred.delete(pending);
    this.#bytes -= entryBytes(pending);
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
   * Hands what waits to `send`, in the present `term`: those without a fence in batches, each fenced one alone. A write
   * that is fenced to a term that has not been heard of here yet waits for it a little longer.
   */
  flush(term: number, send: (proposals: readonly Proposal[], ifTerm: number | undefined) => void): void {
    const since = this.#clock.monotonicMs() - this.#termWaitMs;
    const due = [...this.#queue].filter(
      ({ ifTerm, submittedAtMs }) => ifTerm === undefined || ifTerm <= term || submittedAtMs <= since,
    );
    for (const pending of due) this.#queue.delete(pending);
    const free = due.filter(({ ifTerm }) => ifTerm === undefined).map((pending) => this.#markSent(pending, term));
    for (const batch of batches(free)) send(batch, undefined);
    for (const pending of due) {
      if (pending.ifTerm !== undefined) send([this.#markSent(pending, pending.ifTerm)], pending.ifTerm);
    }
  }

  /**
   * Messages to the leader may have been lost: hands what was sent in the present `term` to `send` once more, under
   * the same numbers. The leader takes each number once, so nothing is done twice.
   */
  resend(term: number, send: (proposals: readonly Proposal[]) => void): void {
    const proposals: Proposal[] = [];
    for (const [sequence, { at, data }] of this.#sent) {
      if (at.kind === 'sent' && at.term === term) proposals.push({ id: { origin: this.#origin, sequence }, data });
    }
    for (const batch of batches(proposals)) send(batch);
  }

  get hasQueued(): boolean {
    return this.#queue.size > 0;
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
          else this.#deferred.add(pending);
          break;
        case 'not-leader':
        case 'transfer-in-progress':
          this.#deferred.add(pending);
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
    for (const pending of this.#deferred) this.#queue.add(pending);
    this.#deferred.clear();
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
      if (pending.ifTerm === undefined) this.#queue.add(pending);
      else this.#fencedOff(pending, pending.ifTerm, term);
    }
  }

  /**
   * A snapshot up to an entry of `term` took the place of the log: it may hold what was sent until then, and no result
   * of it will ever be known here.
   */
  skipped(term: number): void {
    this.#appliedTerm = Math.max(this.#appliedTerm, term);
    for (const pending of [...this.#sent.values()]) {
      if (pending.at.kind === 'sent' && pending.at.term > term) continue;
      pending.fail(new SnapshotInstalling({ outcome: 'unknown', leader: this.#leader() }));
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

/** In their order, each at most as large as a message should be, but at least one proposal. */
function batches(proposals: readonly Proposal[]): readonly (readonly Proposal[])[] {
  const all: Proposal[][] = [];
  let bytes = MAX_BATCH_BYTES;
  for (const proposal of proposals) {
    const size = entryBytes(proposal);
    if (bytes + size > MAX_BATCH_BYTES) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)?.push(proposal);
    bytes += size;
  }
  return all;
}
