/**
 * Requests with an idempotency key and what they came to, so that a repeated one is answered and not applied again.
 * They are evicted in the order of the log, by count, never by a clock: all replicas must forget the same ones.
 */
import type { KeyValueResult, RecordedResult, RequestIdentity } from './command.js';
import type { KeyValueState } from './key-value-state.js';

/** One entry does bounded work, also after the number of kept requests was lowered by much. */
const MAX_EVICTED_AT_ONCE = 16;

/**
 * The answer to a request that must not be applied; null for one that is new.
 *
 * One without a record is new if none can have been evicted that is as young as its first attempt: that was made after
 * the view at `heldIndex`, so that its entry, if there is one, has a higher index.
 */
export function answerWithoutApplying(state: KeyValueState, request: RequestIdentity): KeyValueResult | null {
  const recorded = state.requests.get(request.key);
  if (recorded !== undefined) return recorded.hash === request.hash ? recorded.result : { kind: 'key-reused' };
  const { evictedThrough } = state;
  if (request.heldIndex !== null && request.heldIndex < evictedThrough) return { kind: 'expired', evictedThrough };
  return null;
}

/** Records a request that was applied, or whose condition failed, and evicts the oldest above the limit. */
export function recordRequest(state: KeyValueState, request: RequestIdentity, result: RecordedResult): void {
  state.requests.set(request.key, { hash: request.hash, result });
  state.requestOrder.set(result.index, request.key);
  state.requestCount += 1;
  for (const [index, key] of oldest(state, Math.min(state.requestCount - request.kept, MAX_EVICTED_AT_ONCE))) {
    state.requests.delete(key);
    state.requestOrder.delete(index);
    state.requestCount -= 1;
    state.evictedThrough = index;
  }
}

function oldest(state: KeyValueState, count: number): readonly (readonly [number, string])[] {
  const found: (readonly [number, string])[] = [];
  if (count <= 0) return found;
  for (const entry of state.requestOrder.entries()) {
    found.push(entry);
    if (found.length === count) break;
  }
  return found;
}
