/**
 * Turns a problem document into the error that the server had. A document of an unknown code keeps all its fields; an
 * answer that is no problem document is a ConnectionFailed, and a write's outcome is then unknown.
 */
import { errorFromWire, type LeaderHint, type Outcome, type QuorateError } from '../errors/index.js';
import { jsonBody } from './answers.js';
import { ConditionFailed, NotImplemented, ValueTooLarge, WatchExpired } from './api-errors.js';
import type { HttpAnswer } from './http-transport.js';

/** The error that an answer with a status of 400 or more stands for. */
export function errorFromAnswer(answer: HttpAnswer): QuorateError {
  try {
    return errorFromProblem(jsonBody(answer), answer.write);
  } catch (error) {
    return error as QuorateError;
  }
}

/** The error in a problem document. A write whose document names no outcome is `unknown`. */
export function errorFromProblem(problem: Readonly<Record<string, unknown>>, write: boolean): QuorateError {
  const code = typeof problem.code === 'string' ? problem.code : 'Unrecognised';
  const message = typeof problem.detail === 'string' ? problem.detail : `the server answered ${code}`;
  const outcome = write ? (outcomeOf(problem) ?? 'unknown') : null;
  const leader = leaderOf(problem);
  const has = (...names: string[]) => names.every((name) => typeof problem[name] === 'number');
  const number = (name: string) => problem[name] as number;
  if (code === 'ConditionFailed' && has('expected', 'actual', 'index', 'term') && typeof problem.token === 'string') {
    const fields = { expected: number('expected'), actual: number('actual'), index: number('index') };
    return new ConditionFailed({ ...fields, term: number('term'), token: problem.token }, { leader });
  }
  if (code === 'NotImplemented' && typeof problem.feature === 'string') {
    return new NotImplemented({ feature: problem.feature }, { leader, outcome });
  }
  if (code === 'ValueTooLarge' && has('limit')) return new ValueTooLarge({ limit: number('limit') }, { leader });
  if (code === 'WatchExpired' && has('from', 'oldest')) {
    return new WatchExpired({ from: number('from'), oldest: number('oldest') }, { leader });
  }
  return errorFromWire({ ...problem, code, message, retryable: problem.retryable === true, leader, outcome });
}

function outcomeOf(problem: Readonly<Record<string, unknown>>): Outcome | null {
  return problem.outcome === 'not-applied' || problem.outcome === 'unknown' ? problem.outcome : null;
}

function leaderOf(problem: Readonly<Record<string, unknown>>): LeaderHint | null {
  const leader = problem.leader as { id?: unknown; url?: unknown } | null | undefined;
  if (typeof leader?.id !== 'string') return null;
  return { id: leader.id, url: typeof leader.url === 'string' ? leader.url : null };
}
