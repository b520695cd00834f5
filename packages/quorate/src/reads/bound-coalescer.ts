/**
 * Shares the requests for a bound: every call waits for the next request, and one request serves all that wait (R3).
 * A call must never join a request that was sent already, for its answer may be older than a write acknowledged
 * before the call.
 */
import { Canceled, Timeout } from '../errors/index.js';
import type { Clock } from './clock.js';
import type { Deadline } from './deadline.js';
import type { Leader, ReadIndex } from './leader.js';
import type { ReadObserver } from './read-observer.js';
import { codeOf, type ReadTimes } from './read-times.js';
import { longerPause } from './retry-pause.js';

export interface BoundCoalescerOptions {
  /** How many requests may be under way at once. */
  readonly maxInFlight: number;
  /** The deadline of one shared request: one election timeout. */
  readonly requestTimeoutMs: number;
}

interface Call {
  readonly resolve: (bound: ReadIndex) => void;
  readonly reject: (error: unknown) => void;
  /** Null when nobody observes the read. */
  readonly times: ReadTimes | null;
}

/** `open` takes calls; `sent` takes none any more; `over` has settled them all. */
interface SharedRequest {
  state: 'open' | 'sent' | 'over';
  /** Those who wait for it still. The StateReader limits how many there are. */
  readonly calls: Set<Call>;
  readonly controller: AbortController;
  sentAtMs: number;
  timer: { cancel(): void } | null;
}

export class BoundCoalescer {
  readonly #leader: Leader;
  readonly #clock: Clock;
  readonly #options: BoundCoalescerOptions;
  readonly #observer: ReadObserver | null;
  /** The request that calls join. */
  #next = openRequest();
  #inFlight = 0;
  /** True while the next request is about to be sent, at the end of this turn. */
  #sending = false;
  #pauseMs = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #pauseTimer: { cancel(): void } | null = null;

  constructor(parts: {
    readonly leader: Leader;
    readonly clock: Clock;
    readonly options: BoundCoalescerOptions;
    readonly observer?: ReadObserver | undefined;
  }) {
    this.#leader = parts.leader;
    this.#clock = parts.clock;
    this.#options = parts.options;
    this.#observer = parts.observer ?? null;
  }

  /**
   * A bound from a request sent after this call. Rejects with the failure of that request, with Timeout when it took
   * longer than `requestTimeoutMs`, or with the reason of `deadline`, which removes this call only.
   */
  readIndex(deadline: Deadline): Promise<ReadIndex> {
    return deadline.wait<ReadIndex>((resolve, reject) => {
      const request = this.#next;
      const call = { resolve, reject, times: deadline.times };
      request.calls.add(call);
      this.#schedule();
      return () => this.#leave(request, call);
    });
  }

  /** Sends the next request as soon as that is allowed, if anyone waits for it. */
  #schedule(): void {
    if (this.#next.calls.size === 0 || this.#inFlight >= this.#options.maxInFlight) return;
    if (this.#sending || this.#pauseTimer !== null) return;
    const pauseMs = this.#pauseMs === 0 ? 0 : this.#pausedUntilMs - this.#clock.monotonicMs();
    if (pauseMs > 0) {
      this.#pauseTimer = this.#clock.setTimer(pauseMs, () => {
        this.#pauseTimer = null;
        this.#send();
      });
      return;
    }
    // Not in this very moment: the calls that the same turn still makes share the request, and that costs nothing.
    this.#sending = true;
    queueMicrotask(() => {
      this.#sending = false;
      this.#send();
    });
  }

  #send(): void {
    const request = this.#next;
    if (request.calls.size === 0) return;
    this.#next = openRequest();
    this.#inFlight += 1;
    request.state = 'sent';
    request.sentAtMs = this.#clock.monotonicMs();
    const { requestTimeoutMs } = this.#options;
    request.timer = this.#clock.setTimer(requestTimeoutMs, () => {
      const timeout = new Timeout({ stage: 'bound', timeoutMs: requestTimeoutMs }, { leader: this.#leader.hint() });
      this.#fail(request, timeout);
      request.controller.abort(timeout);
    });
    this.#ask(request.controller.signal).then(
      (bound) => this.#succeed(request, bound),
      (error) => this.#fail(request, error),
    );
  }

  /** Asynchronous for the sake of leaders that throw at once. */
  async #ask(signal: AbortSignal): Promise<ReadIndex> {
    return this.#leader.readIndex({ signal });
  }

  #succeed(request: SharedRequest, bound: ReadIndex): void {
    if (request.state === 'over') return;
    this.#end(request, null);
    this.#endPause();
    for (const call of request.calls) {
      if (call.times !== null) call.times.askedAtMs = request.sentAtMs;
      call.resolve(bound);
    }
    request.calls.clear();
    this.#schedule();
  }

  #fail(request: SharedRequest, error: unknown): void {
    if (request.state === 'over') return;
    this.#end(request, error);
    // A request that was sent before the pause was over tells nothing new: four that fail together are one failure.
    if (request.sentAtMs >= this.#pausedUntilMs) {
      this.#pauseMs = longerPause(this.#pauseMs);
      this.#pausedUntilMs = request.sentAtMs + this.#pauseMs;
    }
    for (const call of request.calls) call.reject(error);
    request.calls.clear();
    this.#schedule();
  }

  #leave(request: SharedRequest, call: Call): void {
    if (!request.calls.delete(call) || request.calls.size > 0) return;
    if (request.state === 'open') {
      this.#cancelPauseTimer();
      return;
    }
    const canceled = new Canceled();
    this.#end(request, canceled);
    request.controller.abort(canceled);
    this.#schedule();
  }

  /** The leader is there: nobody waits any longer because of a failure before. */
  #endPause(): void {
    this.#pauseMs = 0;
    this.#cancelPauseTimer();
  }

  #cancelPauseTimer(): void {
    this.#pauseTimer?.cancel();
    this.#pauseTimer = null;
  }

  /**
   * Frees the place of a request, whether its leader heeds the signal or hangs for ever; a late answer is not looked
   * at. `error`: why it has no answer, null when it has.
   */
  #end(request: SharedRequest, error: unknown): void {
    request.state = 'over';
    request.timer?.cancel();
    this.#inFlight -= 1;
    if (this.#observer === null || !this.#observer.wantsBoundRequests) return;
    this.#observer.boundRequestEnded({
      reads: request.calls.size,
      durationMs: this.#clock.monotonicMs() - request.sentAtMs,
      code: error === null ? null : codeOf(error),
    });
  }
}

function openRequest(): SharedRequest {
  return { state: 'open', calls: new Set(), controller: new AbortController(), sentAtMs: 0, timer: null };
}
