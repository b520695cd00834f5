/**
 * Whether a history is linearizable: whether every operation can be thought to happen at one moment between its call
 * and its answer. It must never say `linearizable` when it gave up.
 */
import type { HistoryEvent } from '../history/history-event.js';
import { operationsOf } from '../history/operations-of.js';
import { type CheckOptions, type CheckResult, checkOperations } from './check-operations.js';

/** Throws MalformedHistory for events that do not fit together, InvalidArgument for bad options. */
export function checkHistory(events: readonly HistoryEvent[], options: CheckOptions): CheckResult {
  return checkOperations(operationsOf(events), options);
}

export type { CheckOptions, CheckResult };
