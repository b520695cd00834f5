/**
 * The history of a run as the checker takes it: who called what, and who was told what, in the order of the run. Reads
 * that promise less than linearizability must never get into it, nor what certainly did not happen.
 */
import type { HistoryEvent } from '../history/index.js';
import type { Application, HistoryStep } from './application.js';
import type { ClientOperation } from './client-operation.js';

interface Placed {
  readonly at: number;
  readonly event: HistoryEvent;
}

/** Empty when the application does not say what its operations are in a history. */
export function historyOf<Command, Result, Tx>(
  application: Application<Command, Result, Tx>,
  operations: readonly ClientOperation<Command, Result, Tx>[],
): readonly HistoryEvent[] {
  const placed = operations.flatMap((operation) => eventsOf(application, operation));
  return placed.sort((one, other) => one.at - other.at).map(({ event }) => event);
}

function eventsOf<Command, Result, Tx>(
  application: Application<Command, Result, Tx>,
  operation: ClientOperation<Command, Result, Tx>,
): readonly Placed[] {
  const { number, calledAt, endedAt, kind } = operation;
  const event = (at: number, type: HistoryEvent['type'], { f, key, value }: HistoryStep): Placed => ({
    at,
    event: { process: number, type, f, key, value, time: at },
  });
  if (application.writeEvent === undefined || application.readEvent === undefined) return [];
  if (kind === 'write') {
    const { command, end } = operation;
    if (end.kind === 'not-applied') return [];
    const step = application.writeEvent(command, end.kind === 'acknowledged' ? end.result : null);
    const call = event(calledAt, 'invoke', step);
    if (end.kind !== 'acknowledged' || endedAt === null) return [call];
    return [call, event(endedAt, step.mismatch === true ? 'fail' : 'ok', step)];
  }
  if (kind !== 'read' || operation.level !== 'linearizable' || operation.end.kind !== 'answered') return [];
  if (endedAt === null) return [];
  const step = application.readEvent(operation.read, operation.end.value);
  // A bound was fresh when it was asked for: that is when a read on it began, as far as its promise goes.
  return [event(operation.bound?.calledAt ?? calledAt, 'invoke', step), event(endedAt, 'ok', step)];
}
