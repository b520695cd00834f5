/**
 * Carries one call through: which server, when again, until when. Reads are repeated on errors that can pass, and
 * writes with an idempotency key; any other write only when it certainly was not applied. Once an attempt has an
 * unknown outcome, the call must never fail as `not-applied` on the word of a later one. A floor once learnt
 * (`LagBehind.required`) is kept by every later attempt (R5).
 */
import { Canceled, LagBehind, QuorateError, Timeout } from '../errors/index.js';
import { ConditionFailed, ConnectionFailed, IdempotencyExpired } from './api-errors.js';
import type { Endpoints } from './endpoints.js';
import type { HttpAnswer, HttpRequest, HttpTransport } from './http-transport.js';
import { pause } from './pause.js';
import { errorFromAnswer } from './problem.js';

export interface Call {
  readonly write: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** True for a write with an idempotency key: however often it arrives, it is applied once. */
  readonly keyed?: boolean;
  /** True for a call that is never repeated. */
  readonly once?: boolean;
  /** The most that one server may take, in milliseconds. Default: the deadline decides. */
  readonly attemptMs?: number;
  /** It was ready a moment ago: it is asked first, and may take all of the time. */
  readonly ready?: URL;
  /** Replaces the token that says when the first attempt was made. Left out when that is not for us to say. */
  readonly renewToken?: ((token: string) => void) | undefined;
  /** Builds the request of one attempt. `floor` is null while none is known. */
  request(attempt: { readonly timeoutMs: number; readonly floor: number | null }): HttpRequest;
}

/**
 * The pause before a server is asked a second time, in milliseconds; doubled each time, with jitter, up to the
 * largest.
 */
const FIRST_PAUSE_MS = 25;
const LARGEST_PAUSE_MS = 500;
/** No further attempt begins with less time than this: it would only turn a known failure into a time-out. */
const LEAST_ATTEMPT_MS = 50;

/**
 * Resolves with a successful answer, or one of status 404 to a missing key. Rejects with a typed error: at the
 * deadline a read tells the last failure that a server gave (no leader, lag), which says more than "too late".
 */
export async function carryThrough(call: Call, endpoints: Endpoints, transport: HttpTransport): Promise<HttpAnswer> {
  const deadline = performance.now() + call.timeoutMs;
  const tried = new Set<string>();
  let pauseMs = FIRST_PAUSE_MS;
  let floor: number | null = null;
  let hint: URL | null = call.ready ?? null;
  let told: QuorateError | null = null;
  /** The last attempt of which nobody can tell whether it was applied, or still will be. */
  let doubt: QuorateError | null = null;
  for (;;) {
    const endpoint: URL = hint ?? endpoints.next(tried);
    tried.add(endpoint.origin);
    const untried = endpoints.all.some((url) => !tried.has(url.origin));
    const failure = await attempt(call, endpoint, transport, attemptTimeout(call, deadline, untried), floor);
    if (!(failure instanceof QuorateError)) {
      endpoints.answered(endpoint);
      return failure;
    }
    if (failure instanceof ConnectionFailed || failure instanceof Timeout) endpoints.failed(endpoint);
    else told = failure;
    if (call.once || !mayRepeat(failure, call, { doubt, untried })) throw asOfCall(failure, call, doubt);
    if (failure instanceof IdempotencyExpired) call.renewToken?.(failure.token);
    else if (failure.outcome === 'unknown') doubt = failure;
    if (failure instanceof LagBehind) floor = Math.max(floor ?? 0, failure.required);
    const leader = endpoints.parseHint(failure.leader?.url);
    hint = leader !== null && !tried.has(leader.origin) ? leader : null;
    if (hint === null && !untried) {
      tried.clear();
      // Nothing is under way meanwhile but what is in doubt.
      const outcome = call.write ? (doubt?.outcome ?? 'not-applied') : null;
      const { signal } = call;
      await pause(Math.min(pauseMs * (0.5 + Math.random()), deadline - performance.now()), { signal, outcome });
      pauseMs = Math.min(pauseMs * 2, LARGEST_PAUSE_MS);
    }
    if (deadline - performance.now() < Math.min(LEAST_ATTEMPT_MS, call.timeoutMs / 4)) {
      throw asOfCall(call.write ? failure : (told ?? failure), call, doubt);
    }
  }
}

/** What may be repeated after a time-out leaves half of its time for another server, in case this one hangs. */
function attemptTimeout(call: Call, deadline: number, untried: boolean): number {
  const remainingMs = deadline - performance.now();
  const { attemptMs = remainingMs } = call;
  const goesOn = untried && !call.once && call.ready === undefined && (!call.write || call.keyed === true);
  return Math.max(1, Math.floor(Math.min(attemptMs, goesOn ? remainingMs / 2 : remainingMs)));
}

async function attempt(
  call: Call,
  endpoint: URL,
  transport: HttpTransport,
  timeoutMs: number,
  floor: number | null,
): Promise<HttpAnswer | QuorateError> {
  // The server gets a little less, so that its answer, which says what was waited for, comes before our own deadline.
  const serverMs = Math.max(1, Math.floor(timeoutMs - Math.min(50, timeoutMs / 10)));
  try {
    const request = call.request({ timeoutMs: serverMs, floor });
    const answer = await transport.exchange(endpoint, request, { timeoutMs, signal: call.signal });
    if (answer.status < 400 || isMissingKey(answer)) return answer;
    return errorFromAnswer(answer);
  } catch (error) {
    if (error instanceof QuorateError) return error;
    throw error;
  }
}

/** A missing key is an answer, with all the headers of one; any other 404 is not. */
function isMissingKey(answer: HttpAnswer): boolean {
  return answer.status === 404 && answer.outcome === null && answer.headers['quorate-applied-index'] !== undefined;
}

function mayRepeat(
  failure: QuorateError,
  call: Call,
  { doubt, untried }: { readonly doubt: QuorateError | null; readonly untried: boolean },
): boolean {
  // Nothing of ours was applied so far: the token was old, not the attempt. From here on a newer one says so.
  if (failure instanceof IdempotencyExpired) return doubt === null && call.renewToken !== undefined;
  // A disk that has failed is that of one server.
  const canPass = failure.retryable || (failure.code === 'DiskFailed' && untried);
  return canPass && (!call.write || call.keyed === true || failure.outcome === 'not-applied');
}

/**
 * A time-out of one attempt is told as that of the whole call. What a later attempt says of itself does not settle an
 * earlier doubt, unless it is the recorded answer to this very request.
 */
function asOfCall(failure: QuorateError, call: Call, doubt: QuorateError | null): QuorateError {
  const { leader, cause } = failure;
  const outcome = doubt === null ? failure.outcome : 'unknown';
  if (failure instanceof Timeout) {
    return new Timeout({ stage: failure.stage, timeoutMs: call.timeoutMs }, { leader, outcome, cause: failure });
  }
  if (failure instanceof Canceled) return new Canceled({ leader, outcome, cause });
  if (doubt === null || failure.outcome === 'unknown' || failure instanceof ConditionFailed) return failure;
  return asOfCall(doubt, call, null);
}
