/**
 * Problem documents (RFC 9457): how every failure looks over HTTP, and the one table from error code to status. It
 * must never claim `not-applied` for a write of which it does not know that, nor show the inside of an unexpected
 * error.
 */
import { STATUS_CODES } from 'node:http';
import type * as clientErrors from 'quorate/client';
import type * as errors from 'quorate/errors';
import { errorToWire, type QuorateError } from 'quorate/errors';
import type * as httpErrors from './http-errors.js';

/** The codes of all error classes that a module exports. */
type CodesIn<Module> = {
  [Name in keyof Module]: Module[Name] extends { readonly prototype: { readonly code: infer Code extends string } }
    ? string extends Code
      ? never
      : Code
    : never;
}[keyof Module];

/** Every code that an answer may carry; `InternalError` stands for what is no error of Quorate. */
export type ErrorCode =
  | CodesIn<typeof errors>
  | CodesIn<typeof clientErrors>
  | CodesIn<typeof httpErrors>
  | 'InternalError';

/**
 * Error code → status. 409 and 412: a condition of a write; 410: its record is gone; 503: passes, or another replica
 * may serve; 504: a deadline.
 */
export const STATUS_BY_CODE: Readonly<Record<ErrorCode, number>> = {
  InvalidArgument: 400,
  MalformedRequest: 400,
  TokenMismatch: 400,
  KeyNotFound: 404,
  UnknownRoute: 404,
  MethodNotAllowed: 405,
  TermChanged: 409,
  IdempotencyExpired: 410,
  WatchExpired: 410,
  ConditionFailed: 412,
  ValueTooLarge: 413,
  IdempotencyKeyReused: 422,
  Canceled: 499,
  DirectoryLocked: 500,
  DiskFailed: 500,
  DiskStalled: 503,
  IdentityMismatch: 500,
  InternalError: 500,
  InvariantViolation: 500,
  LogDamaged: 500,
  SnapshotDamaged: 500,
  StateDamaged: 500,
  UnknownFormat: 500,
  NotImplemented: 501,
  ConnectionFailed: 502,
  Aborted: 503,
  ConsistentRead: 503,
  LagBehind: 503,
  LeadershipLost: 503,
  NoLeader: 503,
  NotLeader: 503,
  NotMember: 503,
  Overloaded: 503,
  SnapshotInstalling: 503,
  Starting: 503,
  Stopped: 503,
  TransferInProgress: 503,
  Timeout: 504,
};

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

export interface Problem {
  /** Identifies the kind of failure; equal exactly when `code` is. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly retryable: boolean;
  readonly [field: string]: unknown;
}

/** Whether the request could change something decides if the document has an `outcome`. */
export function problemOf(error: QuorateError, write: boolean): Problem {
  const { message, code, outcome, ...fields } = errorToWire(error);
  const status = STATUS_BY_CODE[code as ErrorCode] ?? 500;
  return {
    type: `urn:quorate:error:${code}`,
    title: titleOf(code),
    status,
    detail: message,
    code,
    ...fields,
    ...(code === 'TokenMismatch' ? { field: 'token' } : {}),
    ...(write ? { outcome: outcome ?? 'unknown' } : {}),
  };
}

/** For what is no error of Quorate: a defect. What happened stands in the log, not in the answer. */
export function internalProblem(write: boolean): Problem {
  return {
    type: 'urn:quorate:error:InternalError',
    title: 'Internal error',
    status: 500,
    detail: 'something unexpected happened; the log of this server says what',
    code: 'InternalError',
    retryable: false,
    leader: null,
    ...(write ? { outcome: 'unknown' } : {}),
  };
}

/** `LagBehind` → `Lag behind`. */
function titleOf(code: string): string {
  const words = code.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words === '' ? (STATUS_CODES[500] as string) : words;
}
