/**
 * A log as a plain array, and steps for it: what the real one is held against. The model must never share code with the
 * log, or both could be wrong in the same way.
 */
import type { Entry, HardState } from '../../../packages/quorate/src/core/index.js';
import type { LogAppend, RecoveredLog } from '../../../packages/quorate/src/node/storage/log-storage.js';

export interface ModelState {
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
}

export const emptyModel: ModelState = { hardState: { term: 0, vote: null, commit: 0 }, entries: [] };

export function applyStep({ entries }: ModelState, step: LogAppend): ModelState {
  const first = step.entries[0];
  const kept = first === undefined ? entries : entries.filter(({ index }) => index < first.index);
  return { hardState: step.hardState, entries: [...kept, ...step.entries] };
}

/** The states after 0, 1, 2, ... steps. */
export function statesAfter(steps: readonly LogAppend[], from: ModelState = emptyModel): readonly ModelState[] {
  const states = [from];
  for (const step of steps) states.push(applyStep(states.at(-1) as ModelState, step));
  return states;
}

/** Which of the states a recovered log is, -1 when it is none of them. The last one when several are equal. */
export function whichState(states: readonly ModelState[], { hardState, entries }: RecoveredLog): number {
  const found = text({ hardState, entries });
  return states.map(text).lastIndexOf(found);
}

const texts = new WeakMap<ModelState, string>();

function text(state: ModelState): string {
  let result = texts.get(state);
  if (result === undefined) {
    const entries = state.entries.map((entry) => ({ ...entry, data: Buffer.from(entry.data).toString('base64') }));
    const { term, vote, commit } = state.hardState;
    result = JSON.stringify({ hardState: { term, vote, commit }, entries });
    texts.set(state, result);
  }
  return result;
}

export interface StepPlan {
  /** Terms to go up by; above 0 there is a new vote, too. */
  readonly terms: number;
  readonly vote: string | null;
  /** How many of the entries that are not committed are superseded. */
  readonly superseded: number;
  /** Bytes of data of each entry. */
  readonly entries: readonly number[];
  /** How many of the entries that are not committed are committed. */
  readonly committed: number;
}

/** A step that fits the state, whatever the plan: numbers are cut to what is possible. */
export function plannedStep(state: ModelState, plan: StepPlan): LogAppend {
  const { hardState } = state;
  const term = Math.max(1, hardState.term + plan.terms);
  const vote = term > hardState.term ? plan.vote : hardState.vote;
  const uncommitted = state.entries.length - hardState.commit;
  // Only a leader of a later term supersedes, with at least one entry.
  const superseded = term > hardState.term && plan.entries.length > 0 ? Math.min(plan.superseded, uncommitted) : 0;
  const base = state.entries.length - superseded;
  const entries = plan.entries.map((bytes, i) => entryAt(base + 1 + i, term, bytes));
  const commit = Math.min(base + entries.length, hardState.commit + plan.committed);
  return { hardState: { term, vote, commit }, entries };
}

/** An entry whose fields all depend on its place, so that no other is mistaken for it. */
export function entryAt(index: number, term: number, bytes: number): Entry {
  const data = new Uint8Array(bytes).map((_, i) => (index * 31 + term * 7 + i) & 0xff);
  const timestampMs = 1_700_000_000_000 + index;
  if (index % 5 === 0) return { index, term, kind: 'no-op', timestampMs, proposal: null, data: new Uint8Array(0) };
  const proposal = { origin: 2 ** 47 + term, sequence: index };
  return { index, term, kind: index % 7 === 0 ? 'configuration' : 'command', timestampMs, proposal, data };
}
