/**
 * Checks the operations of a history, key by key: a history is linearizable exactly when that of each key is (Herlihy
 * and Wing 1990). A hard key must never hide what is wrong with an easy one, so that all of them advance together.
 */
import { checkInteger } from '../../errors/index.js';
import type { Operation } from '../history/operation.js';
import { Budget } from './budget.js';
import { explain } from './explain.js';
import { checkModel, type Model, specificationFor } from './model.js';
import { Search } from './search.js';

export interface CheckOptions {
  /** `register`: read, write. `cas-register`: compare-and-set, too. `kv`: put, append, get of text. */
  readonly model: Model;
  /** A bound in wall time, for people, in milliseconds. Default: none. */
  readonly timeLimitMs?: number;
  /** The clock for `timeLimitMs`, in milliseconds. Default: that of the process. */
  readonly now?: () => number;
  /** A bound in search steps, for runs that must be deterministic. Default: none. */
  readonly stepLimit?: number;
  /**
   * Where an order is known that may well be right: the place of an operation in it, Infinity for those without. It
   * makes the search short when it is right; no verdict but `unknown` depends on it. Default: the order of the answers.
   */
  readonly likelyOrder?: (operation: Operation) => number;
}

export interface CheckResult {
  /** `unknown`: a limit was reached, of time, steps, or memory. It never counts as passed. */
  readonly verdict: 'linearizable' | 'not-linearizable' | 'unknown';
  /** Those that may have happened. */
  readonly operations: number;
  readonly keys: number;
  /** Text for people, null when linearizable. */
  readonly explanation: string | null;
}

/** The operations of one key. */
interface KeyHistory {
  readonly key: string;
  readonly operations: readonly Operation[];
}

/** How many steps each key gets in the first round; four times as many in each later one. */
const FIRST_ROUND = 10_000;

/** Throws MalformedHistory when the model has no such operation, InvalidArgument for bad options. */
export function checkOperations(operations: readonly Operation[], options: CheckOptions): CheckResult {
  const { model, timeLimitMs, stepLimit, likelyOrder } = options;
  if (timeLimitMs !== undefined) checkInteger('timeLimitMs', timeLimitMs, 0);
  if (stepLimit !== undefined) checkInteger('stepLimit', stepLimit, 0);
  checkModel(operations, model);
  const budget = new Budget(options);
  const keys = byKey(operations);
  const counts = { operations: operations.length, keys: keys.length };
  const { impossible, undecided } = searchAll(keys, budget, (operations) => {
    return new Search(operations, specificationFor(model, operations), { budget, likelyOrder });
  });
  if (impossible !== null) {
    return { verdict: 'not-linearizable', ...counts, explanation: explain(impossible, model) };
  }
  if (undecided.length === 0) return { verdict: 'linearizable', ...counts, explanation: null };
  const names = undecided.slice(0, 5).map(({ key }) => JSON.stringify(key));
  const more = undecided.length > 5 ? `, and ${undecided.length - 5} more` : '';
  const explanation = `${budget.spentOn} is used up, and undecided are the keys ${names.join(', ')}${more}`;
  return { verdict: 'unknown', ...counts, explanation };
}

function byKey(operations: readonly Operation[]): readonly KeyHistory[] {
  const keys = new Map<string, Operation[]>();
  for (const operation of operations) {
    const ofKey = keys.get(operation.key) ?? [];
    keys.set(operation.key, ofKey);
    ofKey.push(operation);
  }
  return [...keys].map(([key, ofKey]) => ({ key, operations: ofKey }));
}

/** Searches until one key is impossible, all are decided, or the budget is spent. */
function searchAll(
  keys: readonly KeyHistory[],
  budget: Budget,
  newSearch: (operations: readonly Operation[]) => Search,
): { readonly impossible: KeyHistory | null; readonly undecided: readonly KeyHistory[] } {
  const searches = new Map<KeyHistory, Search>();
  let undecided = keys;
  for (let steps = FIRST_ROUND; undecided.length > 0 && budget.spentOn === null; steps *= 4) {
    const later: KeyHistory[] = [];
    for (const history of undecided) {
      const { operations } = history;
      const search = searches.get(history) ?? newSearch(operations);
      const state = search.run(steps);
      if (state === 'impossible') return { impossible: history, undecided: [] };
      if (state === 'found') searches.delete(history);
      else searches.set(history, search);
      if (state === 'paused') later.push(history);
    }
    undecided = later;
  }
  return { impossible: null, undecided };
}
