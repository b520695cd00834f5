/**
 * From events of our own kind to operations. Events come from files, too: nothing about them is believed before it is
 * checked.
 */
import { canonicalText } from './canonical-text.js';
import type { EventType, HistoryEvent, OperationName } from './history-event.js';
import { MalformedHistory } from './malformed-history.js';
import type { Action, Operation } from './operation.js';
import { OperationRecorder } from './operation-recorder.js';

const TYPES: readonly string[] = ['invoke', 'ok', 'fail', 'info'] satisfies EventType[];
const NAMES: readonly string[] = ['read', 'write', 'cas', 'put', 'append', 'get'] satisfies OperationName[];

/** `place` names an event by its index; default: `event 1`, ... Throws MalformedHistory. */
export function operationsOf(
  events: readonly HistoryEvent[],
  place: (index: number) => string = (index) => `event ${index + 1}`,
): readonly Operation[] {
  const recorder = new OperationRecorder();
  for (const [index, event] of events.entries()) recordEvent(recorder, event, place(index));
  return recorder.finish();
}

function recordEvent(recorder: OperationRecorder, event: HistoryEvent, place: string): void {
  const { type, f, process, key } = event;
  if (!['number', 'string'].includes(typeof process)) throw expected(place, 'process', 'a number or a text', process);
  if (!TYPES.includes(type)) throw expected(place, 'type', TYPES.join(', '), type);
  if (!NAMES.includes(f)) throw expected(place, 'f', NAMES.join(', '), f);
  if (typeof key !== 'string') throw expected(place, 'key', 'a text', key);
  const name = String(process);
  if (type === 'invoke') {
    recorder.call(name, key, actionOf(event, place), place);
    return;
  }
  // Said twice, or long after: unknown remains unknown.
  if (type === 'info' && !recorder.isOpen(name)) return;
  const open = recorder.openCall(name, f, place);
  if (open.key !== key) {
    throw new MalformedHistory(place, `the answer is for key ${quote(key)}, the call was for key ${quote(open.key)}`);
  }
  if (type === 'ok') recorder.answer(name, { outcome: 'ok', result: resultOf(event, place) }, place);
  else if (type === 'info') recorder.answer(name, { outcome: 'unknown' }, place);
  else recorder.answer(name, { outcome: f === 'cas' ? 'mismatch' : 'not-applied' }, place);
}

function actionOf({ f, value }: HistoryEvent, place: string): Action {
  switch (f) {
    case 'read':
    case 'get':
      return { f };
    case 'write':
      if (value === undefined) throw expected(place, 'value', 'the value to write', value);
      return { f, value: text(value, place) };
    case 'cas':
      if (!Array.isArray(value) || value.length !== 2) throw expected(place, 'value', '[old, new]', value);
      return { f, old: text(value[0], place), new: text(value[1], place) };
    case 'put':
    case 'append':
      if (typeof value !== 'string') throw expected(place, 'value', 'a text', value);
      return { f, value };
  }
}

function resultOf({ f, value }: HistoryEvent, place: string): string | null {
  if (f === 'read') {
    if (value === undefined) throw expected(place, 'value', 'the value that was read', value);
    return text(value, place);
  }
  if (f !== 'get') return null;
  // A key that was never written holds the empty text.
  if (value !== null && typeof value !== 'string') throw expected(place, 'value', 'the text that was read', value);
  return value ?? '';
}

function text(value: unknown, place: string): string {
  try {
    return canonicalText(value);
  } catch (error) {
    throw new MalformedHistory(place, `the value is ${(error as RangeError).message}`);
  }
}

function expected(place: string, field: string, what: string, received: unknown): MalformedHistory {
  const shown = received === undefined ? 'nothing' : quote(received);
  return new MalformedHistory(place, `${field}: expected ${what}, found ${shown}`);
}

function quote(value: unknown): string {
  const shown = JSON.stringify(value) ?? String(value);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}
