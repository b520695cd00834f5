/**
 * That nobody waited in vain: a read that ran out of time on its replica was short of an index there (R6), and by no
 * more than it would put up with (R8). It must never demand that the replica catches up, which faults may hinder for
 * long.
 */
import { NoLeader, Timeout } from '../../errors/index.js';
import type { BoundOperation, ReadOperation } from './client-operation.js';
import { check } from './invariants/violation.js';

/** Throws a Violation when the operation gave up waiting for what the replica had `applied`. */
export function judgeWait<Tx>(
  operation: ReadOperation<Tx> | BoundOperation,
  cause: unknown,
  applied: number,
  committed: number,
): void {
  const needed = neededIndex(operation);
  // Who has asked nobody else waited for the replica. Any bound is of something committed.
  const waited = cause instanceof Timeout && cause.stage === 'apply';
  if (!waited && (needed === null || !(cause instanceof Timeout || cause instanceof NoLeader))) return;
  const { number, node } = operation;
  const context = { client: number, node, applied, needed: needed ?? committed };
  check(applied < context.needed, 'woken', 'nobody waits for an index that is applied (R6)', context);
}

/** Throws a Violation when the operation was answered although its replica was too far behind as it came in. */
export function judgeTooFar<Tx>(
  operation: ReadOperation<Tx> | BoundOperation,
  appliedAtEntry: number,
  defaultMaxLag: number,
): void {
  const needed = neededIndex(operation);
  if (needed === null) return;
  const { number, node, maxLag = defaultMaxLag } = operation;
  const context = { client: number, node, appliedAtEntry, needed, maxLag };
  check(needed - appliedAtEntry <= maxLag, 'client oracle', 'nobody waits for a replica too far behind (R8)', context);
}

/** The index that the call names; null when it has to ask for one. */
function neededIndex<Tx>(operation: ReadOperation<Tx> | BoundOperation): number | null {
  if (operation.kind === 'bound') return null;
  const { level, bound, sessionIndex } = operation;
  switch (level) {
    case 'linearizable':
      return bound === null ? null : Math.max(bound.index, sessionIndex);
    case 'session':
      return sessionIndex;
    default:
      return 0;
  }
}
