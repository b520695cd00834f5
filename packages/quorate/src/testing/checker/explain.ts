/**
 * Says in text why the operations of a key are not linearizable: how far they were, in which order that far, and which
 * operation has no place. It must never take longer than the check; what it cannot find out in time it leaves out.
 */
import { NEVER_WRITTEN, type Operation } from '../history/operation.js';
import { Budget } from './budget.js';
import { describeOperation, describePlaces, indented, shorten } from './describe-operation.js';
import { type Model, specificationFor } from './model.js';
import { Search, type SearchState } from './search.js';

/** Steps for all that is looked at, and for each prefix. */
const ALL_STEPS = 500_000;
const STEPS = 100_000;
/** How much of an order is shown, how many operations under way, and how many values. */
const SHOWN = 12;

interface Prefix {
  readonly operations: readonly Operation[];
  readonly state: SearchState;
  /** An order when it is found, as indexes of `operations`. */
  readonly order: readonly number[];
}

export function explain(
  { key, operations }: { readonly key: string; readonly operations: readonly Operation[] },
  model: Model,
): string {
  const budget = new Budget({ stepLimit: ALL_STEPS });
  const answered = operations.filter(({ outcome }) => outcome !== 'unknown').sort((a, b) => a.answer - b.answer);
  const check = (cut: Operation | undefined, instead?: Operation) =>
    checkPrefix(prefixOf(operations, cut, instead), model, budget);
  // Every prefix of a linearizable history is linearizable: the last good one can be found by halving.
  let [good, bad] = [0, answered.length];
  let badState: SearchState = 'impossible';
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const { state } = check(answered[middle]);
    if (state === 'found') good = middle;
    else [bad, badState] = [middle, state];
  }
  const culprit = answered[good] as Operation;
  const prefix = check(culprit);
  const lines = [
    `key ${JSON.stringify(key)} is not linearizable (${countOf(operations)}).`,
    `Longest linearizable prefix: the ${countOf(prefix.operations)} called before ${culprit.answeredAt}.`,
    ...describeOrder(prefix, model),
  ];
  if (badState === 'paused')
    return [...lines, 'It may be longer: the search for its end was given up after a while.'].join('\n');
  const holds = possibleValues(culprit, operations, (instead) => check(answered[good + 1], instead).state);
  return [
    ...lines,
    'Cannot be placed:',
    indented(`${describeOperation(culprit)} (${describePlaces(culprit)})`),
    ...describeContradiction(culprit, holds),
    ...describeOthers(culprit, operations),
  ].join('\n');
}

/** The history up to the answer of `cut`, exclusively. What is open there may or may not have happened. */
function prefixOf(operations: readonly Operation[], cut: Operation | undefined, instead?: Operation): Operation[] {
  const end = cut?.answer ?? Number.POSITIVE_INFINITY;
  return operations
    .filter(({ call }) => call < end)
    .map((operation) => (operation.call === instead?.call ? instead : operation))
    .map((operation) => {
      if (operation.answer < end) return operation;
      return { ...operation, outcome: 'unknown', result: null, answer: Number.POSITIVE_INFINITY };
    });
}

function checkPrefix(operations: readonly Operation[], model: Model, budget: Budget): Prefix {
  const search = new Search(operations, specificationFor(model, operations), { budget });
  const state = search.run(STEPS);
  return { operations, state, order: state === 'found' ? search.order : [] };
}

function describeOrder({ operations, order }: Prefix, model: Model): readonly string[] {
  if (order.length === 0) return [];
  let holds = model === 'kv' ? '' : NEVER_WRITTEN;
  const lines = order.map((index) => {
    const operation = operations[index] as Operation;
    holds = valueAfter(holds, operation);
    const shown = shorten(model === 'kv' ? JSON.stringify(holds) : holds);
    return indented(`${describeOperation(operation)} (${describePlaces(operation)}): ${shown}`);
  });
  const left = lines.length - SHOWN;
  const head = 'An order of it, with what the key holds after each operation:';
  return [head, ...(left > 0 ? [indented(`(${left} before)`)] : []), ...lines.slice(-SHOWN)];
}

function valueAfter(holds: string, { action, outcome }: Operation): string {
  switch (action.f) {
    case 'read':
    case 'get':
      return holds;
    case 'write':
    case 'put':
      return action.value;
    case 'append':
      return holds + action.value;
    case 'cas':
      return outcome === 'mismatch' ? holds : action.new;
  }
}

/** What a read in place of the culprit could have returned, null where that cannot be listed. */
function possibleValues(
  culprit: Operation,
  operations: readonly Operation[],
  stateWith: (instead: Operation) => SearchState,
): readonly string[] | null {
  if (culprit.action.f !== 'read' && culprit.action.f !== 'cas') return null;
  const values = new Set(['null']);
  for (const { action, call } of operations) {
    if (call > culprit.answer) break;
    if (action.f === 'write') values.add(action.value);
    else if (action.f === 'cas') values.add(action.new);
  }
  const latest = [...values].slice(-SHOWN);
  const states = latest.map((result) => stateWith({ ...culprit, action: { f: 'read' }, outcome: 'ok', result }));
  return states.includes('paused') ? null : latest.filter((_, index) => states[index] === 'found');
}

function describeContradiction({ action, outcome, result }: Operation, holds: readonly string[] | null): string[] {
  if (holds === null || holds.length === 0) return [];
  const could = `At its time the key could hold ${holds.join(' or ')}`;
  if (action.f === 'read') return [indented(`${could}, but not ${result}.`)];
  if (action.f === 'cas') return [indented(`${could}${outcome === 'ok' ? `, but not ${action.old}` : ' only'}.`)];
  return [];
}

function describeOthers(culprit: Operation, operations: readonly Operation[]): readonly string[] {
  const others = operations.filter(
    (other) => other !== culprit && other.call < culprit.answer && other.answer > culprit.call,
  );
  if (others.length === 0) return ['No other operation was under way at that time.'];
  const left = others.length - SHOWN;
  return [
    'Under way at the same time, or of unknown outcome:',
    ...others.slice(-SHOWN).map((other) => indented(`${describeOperation(other)} (${describePlaces(other)})`)),
    ...(left > 0 ? [indented(`(and ${left} before)`)] : []),
  ];
}

function countOf(operations: readonly Operation[]): string {
  const unknown = operations.filter(({ outcome }) => outcome === 'unknown').length;
  return `${operations.length} operations${unknown === 0 ? '' : `, ${unknown} of unknown outcome`}`;
}
