/**
 * How an error crosses the wire and comes back as the same class with the same fields. A code that this version does
 * not know becomes a RemoteError that keeps everything; it must never be dropped or turned into another known class.
 */

import {
  LeadershipLost,
  NoLeader,
  NotLeader,
  NotMember,
  TermChanged,
  TransferInProgress,
} from './leadership-errors.js';
import { type LeaderHint, type Outcome, QuorateError, type QuorateErrorOptions } from './quorate-error.js';
import { Aborted, ConsistentRead, LagBehind, SnapshotInstalling, TokenMismatch } from './read-errors.js';
import { Canceled, InvalidArgument, Overloaded, Stopped, Timeout } from './request-errors.js';

/** The fields that every error has on the wire; those of its class stand beside them. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly leader: LeaderHint | null;
  readonly outcome: Outcome | null;
  readonly [detail: string]: unknown;
}

/** An error of a code that this version does not know. `fields` holds what came with it. */
export class RemoteError extends QuorateError {
  readonly code: string;
  readonly retryable: boolean;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(wire: WireError) {
    super(wire.message, wire);
    this.code = wire.code;
    this.retryable = wire.retryable;
    this.fields = wire;
  }

  override get details(): Readonly<Record<string, unknown>> {
    return this.fields;
  }
}

/** A ConsistentRead goes over the wire as its cause: that is what a caller can act upon. */
export function errorToWire(error: QuorateError): WireError {
  const subject = error instanceof ConsistentRead && error.cause instanceof QuorateError ? error.cause : error;
  return {
    ...subject.details,
    code: subject.code,
    message: subject.message,
    retryable: subject.retryable,
    leader: subject.leader,
    outcome: subject.outcome,
  };
}

/** Builds the error that {@link errorToWire} described. Fields of the wrong type make it a {@link RemoteError}. */
export function errorFromWire(wire: WireError): QuorateError {
  return revive(wire, { leader: wire.leader, outcome: wire.outcome }) ?? new RemoteError(wire);
}

function revive(wire: WireError, options: QuorateErrorOptions): QuorateError | null {
  const number = (name: string) => wire[name] as number;
  const has = (type: 'number' | 'string', ...names: string[]) => names.every((name) => typeof wire[name] === type);
  switch (wire.code) {
    case 'NoLeader':
      return new NoLeader(options);
    case 'NotLeader':
      return new NotLeader(options);
    case 'LeadershipLost':
      return new LeadershipLost(options);
    case 'TransferInProgress':
      return new TransferInProgress(options);
    case 'TermChanged':
      if (!has('number', 'expected', 'actual')) return null;
      return new TermChanged({ expected: number('expected'), actual: number('actual') }, options);
    case 'NotMember':
      return new NotMember(wire.message, options);
    case 'LagBehind':
      if (!has('number', 'required', 'applied', 'limit')) return null;
      return new LagBehind(
        { required: number('required'), applied: number('applied'), limit: number('limit') },
        options,
      );
    case 'Aborted':
      if (!has('number', 'required', 'applied')) return null;
      return new Aborted({ required: number('required'), applied: number('applied') }, options);
    case 'SnapshotInstalling':
      return new SnapshotInstalling(options);
    case 'TokenMismatch':
      return new TokenMismatch(wire.message, options);
    case 'Timeout':
      if (!has('string', 'stage') || !has('number', 'timeoutMs')) return null;
      return new Timeout({ stage: wire.stage as string, timeoutMs: number('timeoutMs') }, options);
    case 'Canceled':
      return new Canceled(options);
    case 'InvalidArgument': {
      if (!has('string', 'field', 'expected', 'received')) return null;
      const [field, expected, received] = [wire.field, wire.expected, wire.received] as [string, string, string];
      return new InvalidArgument({ field, expected, received: { toString: () => received } }, options);
    }
    case 'Overloaded':
      if (!has('string', 'queue') || !has('number', 'limit')) return null;
      return new Overloaded({ queue: wire.queue as string, limit: number('limit') }, options);
    case 'Stopped':
      return new Stopped(options);
    default:
      return null;
  }
}
