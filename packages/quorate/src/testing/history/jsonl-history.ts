/**
 * Our own format: one event a line, in JSON, with the fields of HistoryEvent. Empty lines are skipped; anything else
 * that is no event is an error with its line.
 */
import type { HistoryEvent } from './history-event.js';
import { MalformedHistory } from './malformed-history.js';
import type { Operation } from './operation.js';
import { operationsOf } from './operations-of.js';

/** Throws MalformedHistory. */
export function parseJsonl(source: string): readonly Operation[] {
  const events: HistoryEvent[] = [];
  const lines: number[] = [];
  for (const [index, line] of source.split('\n').entries()) {
    if (line.trim() === '') continue;
    events.push(parseLine(line, `line ${index + 1}`));
    lines.push(index + 1);
  }
  return operationsOf(events, (index) => `line ${lines[index]}`);
}

function parseLine(line: string, place: string): HistoryEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (error) {
    throw new MalformedHistory(place, `expected one event in JSON: ${(error as Error).message}`);
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw new MalformedHistory(place, 'expected an object with process, type, f, key and value');
  }
  return event as HistoryEvent;
}
