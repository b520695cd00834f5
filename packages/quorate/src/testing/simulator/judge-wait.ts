/**
 * That nobody waited in vain: a read that ran out of time on its replica was short of an index there (R6), and by no
 * more than it would put up with (R8). It must never demand that the replica catches up, which faults may hinder for
 * long.
 */
import { NoLeader, Timeout } from '../../errors/index.js';
import type { BoundOperation, ReadOperation } from './client-operation.js';
import { check } from './invariants/violation.js';

/**
 * Throws a Violation when the operation gave up waiting for what the replica had `applied`. `newestBound`: the highest
 * that the process was given.
 */
export function judgeWait<Tx>(
  operation: ReadOperation<Tx> | BoundOperation,
  cause: unknown,
  { applied, newestBound }: { readonly applied: number; readonly newestBound: number },
): void {
  const needed = neededIndex(operation);
  // Who has asked nobody else waited for the replica.
  const waited = cause instanceof Timeout && cause.stage === 'apply';
  if (!waited && (needed === null || !(cause instanceof Timeout || cause instanceof NoLeader))) return;
  const { number, node } = operation;
  const sessionIndex = operation.kind === 'bound' ? 0 : operation.sessionIndex;
  const context = { client: number, node, applied, needed: needed ?? Math.max(newestBound, sessionIndex) };
  check(applied < context.needed, 'woken', 'nobody waits for an index that is applied (R6)', context);
}

/** Throws a Violation when a read was answered although its replica was too far behind as it came in. */
export function judgeTooFar<Tx>(
  { number, node, maxLag }: ReadOperation<Tx>,
  {
    needed,
    applied,
    defaultMaxLag,
  }: { readonly needed: number; readonly applied: number; readonly defaultMaxLag: number },
): void {
  const limit = maxLag ?? defaultMaxLag;
  const context = { client: number, node, needed, applied, limit };
  check(needed - applied <= limit, 'client oracle', 'nobody waits for a replica too far behind (R8)', context);
}

/** The index that the call names; null when it has to ask for one. */
export function neededIndex<Tx>(operation: ReadOperation<Tx> | BoundOperation): number | null {
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
