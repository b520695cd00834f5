/**
 * Tiny random histories, and a verdict on them by trying every order: slow, and too simple to be wrong. It must share
 * nothing with the checker, neither how events become operations nor how operations change the state.
 */
import type { HistoryEvent } from '../../../packages/quorate/src/testing/history/index.js';

export type Model = 'register' | 'cas-register' | 'kv';

export interface TinyOperation {
  readonly f: HistoryEvent['f'];
  /** What is written, or `[old, new]`. */
  readonly input: unknown;
  readonly call: number;
  readonly answer: number;
  readonly type: 'ok' | 'fail' | 'info' | 'never';
  /** What a read or get returned. */
  readonly output: unknown;
}

/** Numbers from 0 up to but not including 1, the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NAMES = { register: ['read', 'write'], 'cas-register': ['read', 'write', 'cas'], kv: ['put', 'append', 'get'] };

/** One to seven operations. Each happens at a moment of its own, or does not, and some answers are lies. */
export function tinyHistory(model: Model, next: () => number): readonly TinyOperation[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  const values: readonly (string | number)[] = model === 'kv' ? ['', 'a', 'b', 'ab'] : [0, 1, 2];
  const lies = pick([0, 0.3, 0.5]);
  const unknown = pick([0, 0.2, 0.6]);
  const spread = pick([1, 2, 8]);
  const drawn = Array.from({ length: 1 + Math.floor(next() * 7) }, () => {
    const f = pick(NAMES[model]) as HistoryEvent['f'];
    const input = f === 'cas' ? [pick([...values, null]), pick(values)] : pick(values);
    const call = next() * spread;
    const moment = call + next();
    return { f, input: isRead(f) ? null : input, call, moment, answer: moment + next() };
  });
  let state: unknown = initialOf(model);
  return drawn
    .sort((a, b) => a.moment - b.moment)
    .map(({ moment: _, ...operation }) => {
      const { f, input } = operation;
      const after = step(state, f, input);
      const output = isRead(f) ? (next() < lies ? pick(values) : state) : null;
      const failed = next() < 0.1;
      // What failed did not happen; what is unknown may have; a lie is an answer to something that did not.
      const happens = failed ? false : next() >= lies;
      if (after !== null && happens) state = after.state;
      if (next() < unknown) return { ...operation, output, type: pick(['info', 'never'] as const) };
      const type = f === 'cas' ? after === null : failed;
      return { ...operation, output, type: type ? ('fail' as const) : ('ok' as const) };
    });
}

/** The same history as clients record it, every operation by a process of its own. */
export function eventsOf(operations: readonly TinyOperation[]): HistoryEvent[] {
  return operations
    .flatMap(({ f, input, output, call, answer, type }, process): HistoryEvent[] => {
      const invoke: HistoryEvent = { process, type: 'invoke', f, key: 'k', value: input, time: call };
      if (type === 'never') return [invoke];
      return [invoke, { process, type, f, key: 'k', value: isRead(f) ? output : input, time: answer }];
    })
    .sort((a, b) => a.time - b.time);
}

/** Whether some order of the operations explains all answers. */
export function isLinearizable(operations: readonly TinyOperation[], model: Model): boolean {
  const real = operations.filter(({ f, type }) => f === 'cas' || type !== 'fail');
  return canFollow(real, initialOf(model));
}

function canFollow(rest: readonly TinyOperation[], state: unknown): boolean {
  if (rest.every(isUnknown)) return true;
  return rest.some((operation) => {
    if (rest.some((other) => !isUnknown(other) && other.answer < operation.call)) return false;
    const others = rest.filter((other) => other !== operation);
    const after = step(state, operation.f, operation.input);
    if (isUnknown(operation)) return canFollow(others, after === null ? state : after.state);
    if (operation.f === 'cas' && operation.type === 'fail') return after === null && canFollow(others, state);
    if (isRead(operation.f)) return operation.output === state && canFollow(others, state);
    return after !== null && canFollow(others, after.state);
  });
}

function isUnknown({ type }: TinyOperation): boolean {
  return type === 'info' || type === 'never';
}

function isRead(f: HistoryEvent['f']): boolean {
  return f === 'read' || f === 'get';
}

function initialOf(model: Model): unknown {
  return model === 'kv' ? '' : null;
}

/** Null when a comparison fails. */
function step(state: unknown, f: HistoryEvent['f'], input: unknown): { readonly state: unknown } | null {
  switch (f) {
    case 'read':
    case 'get':
      return { state };
    case 'write':
    case 'put':
      return { state: input };
    case 'append':
      return { state: `${state}${input}` };
    case 'cas': {
      const [old, replacement] = input as [unknown, unknown];
      return state === old ? { state: replacement } : null;
    }
  }
}
