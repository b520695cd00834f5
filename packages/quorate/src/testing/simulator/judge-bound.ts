/**
 * What a client may be told when it asks for a bound and does its reads later: the bound is fresh at the call, and the
 * replica has applied it. The reads on it are judged as reads; it must never be said here that they are fresher.
 */
import type { ReadIndex } from '../../reads/index.js';
import type { BoundOperation } from './client-operation.js';
import { check } from './invariants/violation.js';
import { judgeCause, judgeLag, judgeTerm } from './judge-read.js';
import type { Ledger } from './ledger.js';

/** Throws a Violation unless the bound is fresh. */
export function judgeBound(operation: BoundOperation, { index, term, source }: ReadIndex, ledger: Ledger): void {
  const { number, node, floor } = operation;
  const context = { client: number, node, index, term, source, floor };
  const message = 'a bound contains everything that was told before the call';
  check(index >= floor, 'read freshness', message, context);
  judgeTerm(ledger, context);
  check(index <= ledger.committed.length, 'client oracle', 'a bound is a committed index', context);
}

/** Throws a Violation unless the wait may end so. Returns the code of the error. */
export function judgeBoundError(operation: BoundOperation, error: unknown): string {
  judgeCause(operation, error);
  const { maxLag, floor, number } = operation;
  judgeLag(error, { maxLag, floor, number });
  return error.code;
}
