/**
 * porcupine's key-value histories: `{:process 0, :type :invoke, :f :append, :key "0", :value "x"}`, one map a line.
 * Keys start as the empty text. `:fail` means that the operation did not happen.
 */
import { type EdnEvent, parseEdnEvents, shorten } from './edn-event.js';
import { MalformedHistory } from './malformed-history.js';
import type { Action, Operation } from './operation.js';
import { OperationRecorder } from './operation-recorder.js';

/** Throws MalformedHistory. */
export function parsePorcupineKv(source: string): readonly Operation[] {
  const recorder = new OperationRecorder();
  for (const event of parseEdnEvents(source)) record(recorder, event);
  return recorder.finish();
}

function record(recorder: OperationRecorder, event: EdnEvent): void {
  const { process, type, place } = event;
  const f = nameOf(event);
  if (type === 'invoke') {
    recorder.call(process, keyOf(event), actionOf(f, event), place);
    return;
  }
  if (type === 'info' && !recorder.isOpen(process)) return;
  recorder.openCall(process, f, place);
  if (type === 'fail') recorder.answer(process, { outcome: 'not-applied' }, place);
  else if (type === 'info') recorder.answer(process, { outcome: 'unknown' }, place);
  else recorder.answer(process, { outcome: 'ok', result: f === 'get' ? textOf(event) : null }, place);
}

function nameOf({ f, place }: EdnEvent): 'put' | 'append' | 'get' {
  if (f === 'put' || f === 'append' || f === 'get') return f;
  throw new MalformedHistory(place, `:f: expected :put, :append or :get, found :${f}`);
}

function keyOf({ key, place }: EdnEvent): string {
  if (key?.kind === 'string') return key.text;
  throw new MalformedHistory(place, `:key: expected a text, found ${shorten(key)}`);
}

function actionOf(f: 'put' | 'append' | 'get', event: EdnEvent): Action {
  if (f === 'get') return { f };
  if (event.value === null) throw new MalformedHistory(event.place, ':value: expected a text, found nil');
  return { f, value: textOf(event) };
}

/** Nil is what a key holds that was never written. */
function textOf({ value, place }: EdnEvent): string {
  if (value === null) return '';
  if (value.kind === 'string') return value.text;
  throw new MalformedHistory(place, `:value: expected a text, found ${shorten(value)}`);
}
