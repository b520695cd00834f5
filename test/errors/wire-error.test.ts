/** Errors cross the wire and come back as the same class with the same fields. */
import { describe, expect, it } from 'vitest';
import * as errors from '../../packages/quorate/src/errors/index.js';

const options = { leader: { id: 'n2', url: 'http://n2' }, outcome: 'unknown' } as const;

const samples: readonly errors.QuorateError[] = [
  new errors.NoLeader({ outcome: 'not-applied' }),
  new errors.NotLeader(options),
  new errors.LeadershipLost(options),
  new errors.TransferInProgress(options),
  new errors.TermChanged({ expected: 3, actual: 5 }, { leader: options.leader }),
  new errors.NotMember('n9 is not a member', options),
  new errors.LagBehind({ required: 90, applied: 1, limit: 10 }, options),
  new errors.Aborted({ required: 90, applied: 1 }, options),
  new errors.SnapshotInstalling(options),
  new errors.TokenMismatch('the token is of another cluster', options),
  new errors.Timeout({ stage: 'commit', timeoutMs: 50 }, options),
  new errors.Canceled(options),
  new errors.Overloaded({ queue: 'waiting reads', limit: 4 }, options),
  new errors.Stopped(options),
  new errors.InvalidArgument({ field: 'maxLag', expected: 'a number', received: 'x' }),
];

describe('errors on the wire', () => {
  it.each(samples)('$code comes back as its class with all its fields', (error) => {
    const wire = JSON.parse(JSON.stringify(errors.errorToWire(error))) as errors.WireError;
    const back = errors.errorFromWire(wire);
    expect(back).toBeInstanceOf(error.constructor);
    expect({ ...back, message: back.message, details: back.details }).toEqual({
      ...error,
      message: error.message,
      details: error.details,
    });
  });

  it('a consistent read that failed goes over the wire as its cause', () => {
    const wire = errors.errorToWire(new errors.ConsistentRead(new errors.NoLeader()));
    expect(wire).toMatchObject({ code: 'NoLeader', retryable: true, outcome: null });
  });

  it('a code that is not known here keeps everything that came with it', () => {
    const wire = { code: 'FromTheFuture', message: 'm', retryable: true, leader: null, outcome: null, extra: 7 };
    const back = errors.errorFromWire(wire);
    expect(back).toBeInstanceOf(errors.RemoteError);
    expect(back).toMatchObject({ code: 'FromTheFuture', retryable: true, details: { extra: 7 } });
  });

  it('fields of the wrong type do not make a half-built error', () => {
    const wire = { code: 'LagBehind', message: 'm', retryable: true, leader: null, outcome: null, required: 'many' };
    expect(errors.errorFromWire(wire)).toBeInstanceOf(errors.RemoteError);
  });
});

describe('an invariant', () => {
  it('throws with what it speaks of when it does not hold', () => {
    errors.invariant(true, 'holds');
    expect(() => errors.invariant(false, 'does not hold', { index: 7 })).toThrow(/does not hold \{"index":7\}/);
    expect(() => errors.unreachable('x' as never)).toThrow(errors.InvariantViolation);
  });
});
