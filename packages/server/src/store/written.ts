/**
 * From a write as it was asked for to its command, and from the command's result to the answer or the error. The same
 * for every engine below: the same request must be answered alike, also when it was applied long ago.
 */
import { ConditionFailed, IdempotencyExpired, IdempotencyKeyReused } from 'quorate/client';
import { unreachable } from 'quorate/errors';
import type { KeyValueCommand, KeyValueResult, RecordedResult, Transaction } from './command.js';
import { hashRequest, type Route } from './request-hash.js';
import type { WriteOptions } from './store.js';

/** How many requests are remembered unless the server is told otherwise. */
export const DEFAULT_KEPT_REQUESTS = 100_000;

/** What a write is answered with: the recorded result, and a token that covers it. */
export type Written = Extract<RecordedResult, { kind: 'done' }> & { readonly token: string };

/** `heldIndex` is that of the token in the options, null without one. */
export function commandOf(
  route: Route,
  transaction: Transaction,
  options: WriteOptions,
  { heldIndex, kept }: { readonly heldIndex: number | null; readonly kept: number },
): KeyValueCommand {
  const { idempotencyKey: key, ifTerm } = options;
  if (key === undefined) return { ...transaction, request: null };
  return { ...transaction, request: { key, hash: hashRequest(route, transaction, ifTerm), heldIndex, kept } };
}

/**
 * `entry` is where the command itself stands. A repeated request is answered with the place of the first one, and
 * `tokenAt` makes the token for that. Throws ConditionFailed, IdempotencyKeyReused or IdempotencyExpired.
 */
export function writtenOrThrow(
  route: Route,
  result: KeyValueResult,
  entry: { readonly index: number; readonly term: number; readonly token: string },
  tokenAt: (place: { readonly index: number; readonly term: number }) => string,
): Written {
  switch (result.kind) {
    case 'done':
      return { ...result, token: tokenAt(result) };
    case 'condition-failed': {
      const condition = route === 'txn' ? result.condition : null;
      throw new ConditionFailed({ ...result, condition, token: tokenAt(result) });
    }
    case 'key-reused':
      throw new IdempotencyKeyReused();
    case 'expired': {
      const { index, term, token } = entry;
      throw new IdempotencyExpired({ evictedThrough: result.evictedThrough, index, term, token });
    }
    default:
      return unreachable(result);
  }
}
