/**
 * The key-value application: what each command does to its state, and what a range shows of it. It must be
 * deterministic, and must never throw for a command that merely cannot be applied.
 */
import type { ApplyContext } from 'quorate';
import type { OperationResult, RangePage, StoredValue } from 'quorate/client';
import type { KeyValueCommand, KeyValueResult, Operation, RecordedResult, Transaction } from './command.js';
import { compareKeys } from './key-order.js';
import type { KeyValueState, KeyValueView } from './key-value-state.js';
import { PageInProgress } from './page-in-progress.js';
import { answerWithoutApplying, recordRequest } from './recorded-requests.js';

const DELETED: OperationResult = { deleted: true };
const NOTHING_TO_DELETE: OperationResult = { deleted: false };

/** Where a command stands in the log. */
export type Place = Pick<ApplyContext, 'index' | 'term'>;

/** A request that was applied before is answered from its record, and changes nothing. */
export function applyCommand(state: KeyValueState, command: KeyValueCommand, { index, term }: Place): KeyValueResult {
  const { request } = command;
  if (request === null) return applyTransaction(state, command, { index, term });
  const answer = answerWithoutApplying(state, request);
  if (answer !== null) return answer;
  const result = applyTransaction(state, command, { index, term });
  recordRequest(state, request, result);
  return result;
}

function applyTransaction(state: KeyValueState, { conditions, operations }: Transaction, place: Place): RecordedResult {
  for (const [condition, { key, version: expected }] of conditions.entries()) {
    const actual = state.keys.get(key)?.version ?? 0;
    if (actual !== expected) return { kind: 'condition-failed', ...place, condition, expected, actual };
  }
  // One object for all puts: records of many large transactions are kept for long.
  const written = { version: place.index };
  return { kind: 'done', ...place, results: operations.map((operation) => applyOperation(state, operation, written)) };
}

/**
 * A version is the index of the entry that wrote the key: it grows with every write, and a key that was deleted and is
 * created again never has a version that it had before.
 */
function applyOperation(
  state: KeyValueState,
  operation: Operation,
  written: { readonly version: number },
): OperationResult {
  if ('delete' in operation) return changeKey(state, operation.delete.key, null) ? DELETED : NOTHING_TO_DELETE;
  const { key, value } = operation.put;
  changeKey(state, key, { value, version: written.version });
  return written;
}

/** Every change of a key goes through here; null removes it. False when there was nothing to remove. */
function changeKey(state: KeyValueState, key: string, stored: StoredValue | null): boolean {
  if (stored === null) return state.keys.delete(key);
  state.keys.set(key, stored);
  return true;
}

/** Which part of the keys a page covers. `start` is included. */
export interface RangeRequest {
  readonly prefix: string;
  readonly start: string;
  readonly limit: number;
}

/** One page of a view. Synchronous: the caller holds the view only as long as this runs. For short pages. */
export function readRange(view: KeyValueView, request: RangeRequest): RangePage {
  const { prefix, limit } = request;
  const page = new PageInProgress(limit);
  for (const [key, stored] of view.keys.entries(firstKey(request))) {
    if (!key.startsWith(prefix)) break;
    const whole = page.add({ key, ...stored });
    if (whole !== null) return whole;
  }
  return page.last();
}

/** Where a range begins. */
export function firstKey({ prefix, start }: Pick<RangeRequest, 'prefix' | 'start'>): string {
  return compareKeys(start, prefix) > 0 ? start : prefix;
}
