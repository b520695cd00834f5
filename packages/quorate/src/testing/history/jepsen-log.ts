/**
 * The log lines that Jepsen wrote in 2015, of one compare-and-set register: process, type, operation and value behind a
 * dash, separated by tabs. `:fail :cas` is a comparison that failed, an observation. Other lines are skipped.
 */
import { EdnReader, type EdnValue, ednText } from './edn-reader.js';
import { MalformedHistory } from './malformed-history.js';
import type { Action, Operation } from './operation.js';
import { type Answer, OperationRecorder } from './operation-recorder.js';

const LINE = /jepsen\.util\s+-\s+(\d+)\s+:(invoke|ok|fail|info)\s+:(\S+)\s*(.*)$/;

type Name = 'read' | 'write' | 'cas';

/** Throws MalformedHistory. */
export function parseJepsenLog(source: string): readonly Operation[] {
  const recorder = new OperationRecorder();
  for (const [index, line] of source.split('\n').entries()) {
    const [, process, type, f, rest] = LINE.exec(line.trimEnd()) ?? [];
    if (process === undefined || f === undefined) continue;
    const place = `line ${index + 1}`;
    const name = nameOf(f, place);
    const values = valuesOf(rest ?? '', index + 1);
    if (type === 'invoke') recorder.call(process, '', actionOf(name, values, place), place);
    else if (type !== 'info' || recorder.isOpen(process)) {
      recorder.openCall(process, name, place);
      recorder.answer(process, answerOf(type as 'ok' | 'fail' | 'info', name, values, place), place);
    }
  }
  return recorder.finish();
}

function nameOf(f: string, place: string): Name {
  if (f === 'read' || f === 'write' || f === 'cas') return f;
  throw new MalformedHistory(place, `expected :read, :write or :cas, found :${f}`);
}

/** The value, and whatever else stands behind it, for instance an error. */
function valuesOf(rest: string, line: number): readonly EdnValue[] {
  const reader = new EdnReader(rest, line);
  const values: EdnValue[] = [];
  for (let value = reader.next(); value !== null; value = reader.next()) values.push(value);
  return values;
}

function actionOf(f: Name, [value]: readonly EdnValue[], place: string): Action {
  if (f === 'read') return { f };
  if (value === undefined) throw new MalformedHistory(place, `expected the value of :${f}`);
  if (f === 'write') return { f, value: ednText(value) };
  const pair = pairOf(value);
  if (pair === null) throw new MalformedHistory(place, `expected [old new], found ${ednText(value)}`);
  return { f, old: ednText(pair[0]), new: ednText(pair[1]) };
}

/** Where the log leaves it open whether something happened, it is unknown: no verdict may rest on a guess. */
function answerOf(type: 'ok' | 'fail' | 'info', f: Name, values: readonly EdnValue[], place: string): Answer {
  const [value] = values;
  if (type === 'info') return { outcome: 'unknown' };
  if (type === 'ok') {
    if (f === 'read' && value === undefined) throw new MalformedHistory(place, 'expected the value that was read');
    return { outcome: 'ok', result: f === 'read' ? ednText(value as EdnValue) : null };
  }
  // An error stands in place of the value, or behind it.
  if (value !== undefined && ednText(value).startsWith(':')) return { outcome: 'unknown' };
  if (values.some((item) => /^:(.*-)?time(d-)?-?out$/.test(ednText(item)))) return { outcome: 'unknown' };
  if (f !== 'cas') return { outcome: 'not-applied' };
  return { outcome: pairOf(value) === null ? 'unknown' : 'mismatch' };
}

function pairOf(value: EdnValue | undefined): readonly [EdnValue, EdnValue] | null {
  if (value?.kind !== 'sequence' || value.items.length !== 2) return null;
  return value.items as readonly EdnValue[] as [EdnValue, EdnValue];
}
