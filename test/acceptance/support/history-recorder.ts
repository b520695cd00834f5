/**
 * Records what clients call and are answered, in the order in which this process sees it, for the checker. It turns an
 * HTTP answer into an event in the one sound way, and must never claim more than the answer says.
 */
import type { HistoryEvent } from '../../../packages/quorate/src/testing/history/history-event.js';
import { type Answer, json } from '../../support/http.js';

/** A value of a key; null: it was never written. */
export type Value = string | null;

/**
 * `expected` had the `version` that the request names: a version has one value, and a value, which is written once, has
 * one version.
 */
export type Operation =
  | { readonly f: 'read' }
  | { readonly f: 'write'; readonly value: string }
  | { readonly f: 'cas'; readonly version: number; readonly expected: Value; readonly value: string };

/**
 * As in a history, and `absent` for a compare-and-set that did not happen: `fail` would say that it compared, so it is
 * left out of the history. That is sound: it changed nothing and saw nothing.
 */
export type Outcome =
  | { readonly type: 'ok'; readonly read: Value }
  | { readonly type: 'fail' | 'info' | 'absent' | 'untyped' };

export function outcomeOf(f: Operation['f'], answer: Answer): Outcome {
  if (answer.status === 200) return { type: 'ok', read: f === 'read' ? answer.body.toString() : null };
  if (answer.status === 0) {
    // Nobody listened: nothing was sent. Any other failure may have come after the request arrived.
    return answer.failure?.startsWith('connect ECONNREFUSED') ? didNotHappen(f) : unknown(f);
  }
  if (answer.headers['content-type']?.startsWith('application/problem+json') !== true) return { type: 'untyped' };
  const { code, outcome } = json(answer);
  if (f === 'read') return code === 'KeyNotFound' ? { type: 'ok', read: null } : { type: 'fail' };
  if (f === 'cas' && code === 'ConditionFailed') return { type: 'fail' };
  return outcome === 'not-applied' ? didNotHappen(f) : unknown(f);
}

function didNotHappen(f: Operation['f']): Outcome {
  return { type: f === 'cas' ? 'absent' : 'fail' };
}

/** A read that was not answered has observed nothing. */
function unknown(f: Operation['f']): Outcome {
  return { type: f === 'read' ? 'fail' : 'info' };
}

export class HistoryRecorder {
  /** Operations by kind and outcome. */
  readonly counts: Record<Operation['f'], Record<Outcome['type'], number>> = {
    read: { ok: 0, fail: 0, info: 0, absent: 0, untyped: 0 },
    write: { ok: 0, fail: 0, info: 0, absent: 0, untyped: 0 },
    cas: { ok: 0, fail: 0, info: 0, absent: 0, untyped: 0 },
  };
  readonly #events: HistoryEvent[] = [];
  readonly #absent = new Set<HistoryEvent>();
  readonly #startedAt = performance.now();

  /** Records the call before `request` is made, and how it ended. */
  async record(
    process: string,
    key: string,
    operation: Operation,
    request: () => Promise<Answer>,
  ): Promise<{ readonly answer: Answer; readonly outcome: Outcome }> {
    const { f } = operation;
    const value = historyValue(operation);
    const invocation: HistoryEvent = { process, type: 'invoke', f, key, value, time: this.#now() };
    this.#events.push(invocation);
    const answer = await request();
    const outcome = outcomeOf(f, answer);
    this.counts[f][outcome.type] += 1;
    const end = { process, f, key, time: this.#now() };
    switch (outcome.type) {
      case 'ok':
        this.#events.push({ ...end, type: 'ok', value: f === 'read' ? outcome.read : value });
        break;
      case 'absent':
        this.#absent.add(invocation);
        break;
      default:
        this.#events.push({ ...end, type: outcome.type === 'untyped' ? 'info' : outcome.type, value });
    }
    return { answer, outcome };
  }

  /** The history so far. */
  events(): readonly HistoryEvent[] {
    return this.#events.filter((event) => !this.#absent.has(event));
  }

  /** Microseconds. */
  #now(): number {
    return Math.round((performance.now() - this.#startedAt) * 1_000);
  }
}

function historyValue(operation: Operation): unknown {
  switch (operation.f) {
    case 'read':
      return null;
    case 'write':
      return operation.value;
    case 'cas':
      return [operation.expected, operation.value];
  }
}
