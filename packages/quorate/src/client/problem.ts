/**
 * Turns a problem document into the error that the server had. A document of an unknown code keeps all its fields; an
 * answer that is no problem document is a ConnectionFailed, and a write's outcome is then unknown.
 */
import { errorFromWire, type LeaderHint, type Outcome, type QuorateError } from '../errors/index.js';
import { jsonBody } from './answers.js';
import {
  ConditionFailed,
  IdempotencyExpired,
  IdempotencyKeyReused,
  NotImplemented,
  ValueTooLarge,
  WatchExpired,
} from './api-errors.js';
import type { HttpAnswer } from './http-transport.js';

/** The error that an answer with a status of 400 or more stands for. */
export function errorFromAnswer(answer: HttpAnswer): QuorateError {
  try {
    return errorFromProblem({ outcome: answer.outcome, ...jsonBody(answer) }, answer.outcome !== null);
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
  const place = () => ({ index: number('index'), term: number('term'), token: problem.token as string });
  const hasPlace = has('index', 'term') && typeof problem.token === 'string';
  if (code === 'ConditionFailed' && has('expected', 'actual') && hasPlace) {
    const condition = has('condition') ? number('condition') : null;
    const versions = { expected: number('expected'), actual: number('actual') };
    return new ConditionFailed({ condition, ...versions, ...place() }, { leader });
  }
  if (code === 'IdempotencyExpired' && has('evictedThrough') && hasPlace) {
    return new IdempotencyExpired({ evictedThrough: number('evictedThrough'), ...place() }, { leader });
  }
  if (code === 'IdempotencyKeyReused') return new IdempotencyKeyReused({ leader });
  if (code === 'NotImplemented' && typeof problem.feature === 'string') {
    return new NotImplemented({ feature: problem.feature }, { leader, outcome });
  }
  if (code === 'ValueTooLarge' && has('limit')) {
    const field = typeof problem.field === 'string' ? problem.field : 'value';
    return new ValueTooLarge({ field, limit: number('limit') }, { leader });
  }
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
