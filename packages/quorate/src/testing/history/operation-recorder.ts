/**
 * Puts calls and answers together to operations, one open call per process. Every format feeds it, and says what an
 * answer means. It must never let an answer without its call pass, for the history would then be another one.
 */
import { MalformedHistory } from './malformed-history.js';
import type { Action, Operation } from './operation.js';

/** What an answer says. `not-applied`: it certainly did not happen, and saw nothing. */
export type Answer =
  | { readonly outcome: 'ok'; readonly result: string | null }
  | { readonly outcome: 'mismatch' | 'not-applied' | 'unknown' };

interface Call {
  readonly process: string;
  readonly key: string;
  readonly action: Action;
  readonly call: number;
  readonly calledAt: string;
}

export class OperationRecorder {
  readonly #open = new Map<string, Call>();
  readonly #done: Operation[] = [];
  #events = 0;

  /** Throws MalformedHistory while an earlier call of this process is open. `place` is for people: `line 12`. */
  call(process: string, key: string, action: Action, place: string): void {
    const earlier = this.#open.get(process);
    if (earlier !== undefined) {
      const reason = `process ${process} calls again, but its call of ${earlier.calledAt} has no answer yet`;
      throw new MalformedHistory(place, reason);
    }
    this.#events += 1;
    this.#open.set(process, { process, key, action, call: this.#events, calledAt: place });
  }

  /** The action that this process waits for, with its key. Throws MalformedHistory when there is none, or another. */
  openCall(process: string, f: Action['f'], place: string): { readonly key: string; readonly action: Action } {
    const open = this.#open.get(process);
    if (open === undefined) throw new MalformedHistory(place, `process ${process} is answered, but has no open call`);
    if (open.action.f !== f) {
      const reason = `process ${process} is answered ${f}, but it called ${open.action.f} at ${open.calledAt}`;
      throw new MalformedHistory(place, reason);
    }
    return open;
  }

  isOpen(process: string): boolean {
    return this.#open.has(process);
  }

  /** Ends the open call of this process. */
  answer(process: string, answer: Answer, place: string): void {
    const open = this.#open.get(process);
    if (open === undefined) throw new MalformedHistory(place, `process ${process} is answered, but has no open call`);
    this.#open.delete(process);
    this.#events += 1;
    const { outcome } = answer;
    if (outcome === 'not-applied') return;
    const result = outcome === 'ok' ? answer.result : null;
    const at = outcome === 'unknown' ? Number.POSITIVE_INFINITY : this.#events;
    this.#done.push({ ...open, outcome, result, answer: at, answeredAt: place });
  }

  /** All operations in the order of their calls. What is still open has an unknown outcome. */
  finish(): readonly Operation[] {
    for (const open of this.#open.values()) {
      const never = { result: null, answer: Number.POSITIVE_INFINITY, answeredAt: null };
      this.#done.push({ ...open, outcome: 'unknown', ...never });
    }
    this.#open.clear();
    return this.#done.sort((a, b) => a.call - b.call);
  }
}
