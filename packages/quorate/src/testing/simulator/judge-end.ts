/**
 * When an operation may end, and that nothing is left of it then (R9). Time is that of the node's own clock without
 * what it could not run for; it must never be the world's, which no node knows.
 */
import { getEventListeners } from 'node:events';
import type { ClientProcess } from './client-node.js';
import { check } from './invariants/violation.js';

interface Timed {
  readonly number: number;
  readonly kind: 'write' | 'read' | 'bound';
  readonly node: string;
  readonly process: ClientProcess;
  readonly timeoutMs: number;
  readonly calledMs: number;
  readonly heldMs: number;
  readonly dueMs: number;
  readonly controller: AbortController | null;
}

/** How far below its deadline a clock may be when a timer fires: timers of Node count whole ms of a cached time. */
const ROUNDING_MS = 2;

/** For how many milliseconds the process has had the operation and could run. */
export function ownElapsedMs({ process, calledMs, heldMs }: Timed): number {
  return process.monotonicMs() - calledMs - (process.heldMs - heldMs);
}

/** Throws a Violation when the operation should have ended by now. */
export function judgeOverdue(operation: Timed): void {
  const elapsedMs = ownElapsedMs(operation);
  const { dueMs, timeoutMs, number, kind, node } = operation;
  const context = { client: number, node, timeoutMs, aborted: isAborted(operation), dueMs, elapsedMs };
  check(elapsedMs <= dueMs, 'deadline', `every ${kind} ends by its deadline`, context);
}

/** Throws a Violation when the operation ended late, or listens to its caller still. */
export function judgeEnd(operation: Timed): void {
  judgeOverdue(operation);
  const { controller, number, node, kind } = operation;
  if (controller === null) return;
  const listeners = getEventListeners(controller.signal, 'abort').length;
  const context = { client: number, node, listeners };
  check(listeners === 0, 'left behind', `no listener stays on the signal of a ${kind} that is over`, context);
}

/** What only its caller and its deadline may bring about, by the code of the error. */
export function judgeReason(operation: Timed, code: string): void {
  const { process, calledMs, timeoutMs, number, node } = operation;
  const elapsedMs = process.monotonicMs() - calledMs;
  const context = { client: number, node, code, elapsedMs, timeoutMs };
  if (code === 'Canceled') check(isAborted(operation), 'client oracle', 'nothing is canceled by itself', context);
  if (code === 'Timeout') {
    check(elapsedMs >= timeoutMs - ROUNDING_MS, 'deadline', 'no deadline passes before its time', context);
  }
}

function isAborted({ controller }: Timed): boolean {
  return controller?.signal.aborted ?? false;
}
