/**
 * What a client may be told by a read: a view that keeps the promise of its level, or that the function did not run.
 * The floor is the one at the call; it must never be that of a later moment, which no read promises.
 */
import { ConsistentRead, LagBehind, QuorateError } from '../../errors/index.js';
import type { ReadResult } from '../../reads/index.js';
import { decodeToken } from '../../reads/tokens.js';
import type { ReadOperation, SeenView } from './client-operation.js';
import { check } from './invariants/violation.js';
import { judgeReason } from './judge-end.js';
import type { Ledger } from './ledger.js';

const RULE = 'client oracle';
const FRESHNESS = 'read freshness';

/** Codes that no well-formed read of one cluster may fail with. */
const NEVER = ['InvalidArgument', 'TokenMismatch', 'ConsistentRead', 'NotMember', 'TermChanged'];

/** Throws a Violation unless the answer is true. */
export function judgeRead<Tx>(operation: ReadOperation<Tx>, answer: ReadResult<unknown>, ledger: Ledger): void {
  const { seen, level, node, number, throws, sessionIndex } = operation;
  const { index, appliedIndex, term, token, servedBy } = answer;
  const context = { client: number, node, level, index, appliedIndex, seen };
  check(seen !== null, RULE, 'a read that is answered has run its function', context);
  check(throws === null, RULE, 'what the function of a read throws is not lost', context);
  check(answer.value === seen.value, RULE, 'a read answers what its function returned', context);
  const isSame = seen.index === index && seen.term === term && seen.appliedIndex === appliedIndex;
  check(isSame, RULE, 'a read says of its view what its function was told', { ...context, term });
  check(answer.level === level, RULE, 'a read is served at the level asked for', { ...context, served: answer.level });
  check(servedBy === node, RULE, 'a read says who served it', { ...context, servedBy });
  judgeView(operation, seen, ledger);
  const tokenIndex = decodeToken(token).index;
  const isOfView = tokenIndex === appliedIndex;
  check(isOfView, 'token goes back', 'a token is that of the view, not of the bound', { ...context, tokenIndex });
  const goesOn = level === 'local' || tokenIndex >= sessionIndex;
  check(goesOn, 'token goes back', 'a session never goes back', { ...context, tokenIndex, sessionIndex });
}

/** Throws a Violation unless the view keeps the promise of the level. */
function judgeView<Tx>(operation: ReadOperation<Tx>, seen: SeenView, ledger: Ledger): void {
  const { level, bound, floor, sessionIndex, number, node } = operation;
  const { index, term, appliedIndex } = seen;
  const context = { client: number, node, level, index, term, appliedIndex, floor, sessionIndex };
  const committed = ledger.committed.length;
  check(appliedIndex <= committed, RULE, 'a view shows what is committed only', { ...context, committed });
  check(appliedIndex >= index, FRESHNESS, 'a view has reached its bound', context);
  if (level === 'local') return;
  check(appliedIndex >= sessionIndex, 'token goes back', 'a view contains what its session has seen', context);
  if (level === 'session') return;
  if (bound === null) {
    check(index >= floor, FRESHNESS, 'a bound contains everything that was told before the call', context);
    judgeTerm(ledger, context);
  } else {
    check(index >= bound.index, FRESHNESS, 'a read keeps the bound it was given', { ...context, bound: bound.index });
  }
}

/** A bound is confirmed by the leader of a term, which has committed an entry of its own (R1). */
export function judgeTerm(ledger: Ledger, context: { readonly index: number; readonly term: number }): void {
  const first = ledger.firstIndexOf.get(context.term);
  const isOfTerm = first !== undefined && first <= context.index;
  check(isOfTerm, FRESHNESS, 'a bound is of the term that confirmed it', { ...context, first });
}

/** Throws a Violation unless the read may end so. Returns the code of the cause; null for the function's own error. */
export function judgeReadError<Tx>(operation: ReadOperation<Tx>, error: unknown, ledger: Ledger): string | null {
  const { seen, throws, number, node, level, maxLag, bound, floor } = operation;
  const context = { client: number, node, level, error: String(error) };
  if (seen !== null) {
    const isOwn = throws !== null && error === throws;
    check(isOwn, RULE, 'a read whose function ran ends with what that did', context);
    judgeView(operation, seen, ledger);
    return null;
  }
  check(error instanceof ConsistentRead, RULE, 'a read whose function did not run fails with ConsistentRead', context);
  const { cause, reason } = error;
  judgeCause(operation, cause);
  check(cause.code === reason, RULE, 'a failed read names the code of its cause', { ...context, reason });
  if (level === 'linearizable') judgeLag(cause, { maxLag, floor: bound === null ? floor : bound.index, number });
  return reason;
}

/** Throws a Violation unless `cause` is a reason for which a read, or the wait for a bound, may fail. */
export function judgeCause(
  operation: Parameters<typeof judgeReason>[0],
  cause: unknown,
): asserts cause is QuorateError {
  const { number, node } = operation;
  const context = { client: number, node, cause: String(cause) };
  check(cause instanceof QuorateError, RULE, 'a read fails for a reason of the library', context);
  check(!NEVER.includes(cause.code), RULE, 'a read that is right is not called wrong', context);
  check(cause.outcome === null, RULE, 'a read has no outcome', context);
  judgeReason(operation, cause.code);
}

/** Throws a Violation unless a refusal for lag tells of a bound that is fresh, and of a lag above the limit. */
export function judgeLag(
  cause: QuorateError,
  { maxLag, floor, number }: { readonly maxLag: number | undefined; readonly floor: number; readonly number: number },
): void {
  if (!(cause instanceof LagBehind)) return;
  const { required, applied, limit } = cause;
  const context = { client: number, required, applied, limit, maxLag, floor };
  check(required - applied > limit, RULE, 'a replica refuses for its lag only above the limit', context);
  check(maxLag === undefined || limit === maxLag, RULE, 'the limit of the lag is that of the call', context);
  check(required >= floor, FRESHNESS, 'a bound contains everything that was told before the call', context);
}
