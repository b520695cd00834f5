/**
 * Histories of Jepsen and Knossos over registers: one register, or several as independent keys with values
 * `[key value]`. `:fail` means that the operation did not happen, also for `:cas`: here a failed comparison is no
 * observation.
 */
import type { EdnEvent } from './edn-event.js';
import { parseEdnEvents, shorten } from './edn-event.js';
import { type EdnValue, ednText } from './edn-reader.js';
import { MalformedHistory } from './malformed-history.js';
import { type Action, NEVER_WRITTEN, type Operation } from './operation.js';
import { OperationRecorder } from './operation-recorder.js';

/** Throws MalformedHistory. */
export function parseEdn(source: string): readonly Operation[] {
  const events = parseEdnEvents(source);
  const independent = isIndependent(events);
  const recorder = new OperationRecorder();
  for (const event of events) record(recorder, event, independent);
  return recorder.finish();
}

function record(recorder: OperationRecorder, event: EdnEvent, independent: boolean): void {
  const { process, type, place } = event;
  const [key, value] = independent ? splitTuple(event) : [event.key, event.value];
  const f = nameOf(event);
  if (type === 'invoke') {
    recorder.call(process, key === null ? '' : ednText(key), actionOf(f, value, place), place);
    return;
  }
  if (type === 'info' && !recorder.isOpen(process)) return;
  recorder.openCall(process, f, place);
  if (type === 'fail') recorder.answer(process, { outcome: 'not-applied' }, place);
  else if (type === 'info') recorder.answer(process, { outcome: 'unknown' }, place);
  else recorder.answer(process, { outcome: 'ok', result: f === 'read' ? textOf(value) : null }, place);
}

function nameOf({ f, place }: EdnEvent): 'read' | 'write' | 'cas' {
  if (f === 'read' || f === 'write' || f === 'cas') return f;
  throw new MalformedHistory(place, `:f: expected :read, :write or :cas, found :${f}`);
}

function actionOf(f: 'read' | 'write' | 'cas', value: EdnValue | null, place: string): Action {
  if (f === 'read') return { f };
  if (f === 'write') return { f, value: textOf(value) };
  const [old, next, ...more] = value?.kind === 'sequence' ? value.items : [];
  if (old === undefined || next === undefined || more.length > 0) {
    throw new MalformedHistory(place, `:value of :cas: expected [old new], found ${shorten(value)}`);
  }
  return { f, old: ednText(old), new: ednText(next) };
}

function textOf(value: EdnValue | null): string {
  return value === null ? NEVER_WRITTEN : ednText(value);
}

/**
 * Whether values are `[key value]`: printed as tagged tuples, or, where the tag is lost, when all calls have a pair and
 * those of reads have no value in it. With one register, the call of a read has no value at all.
 */
function isIndependent(events: readonly EdnEvent[]): boolean {
  const calls = events.filter(({ type }) => type === 'invoke');
  if (calls.some(({ value }) => value?.kind === 'tagged' && value.tag === TUPLE)) return true;
  return (
    calls.some(({ f }) => f === 'read') &&
    calls.every(({ f, value }) => {
      const [, inner] = pairOf(value) ?? [];
      if (inner === undefined) return false;
      return f === 'write' || (f === 'read' ? ednText(inner) === 'null' : pairOf(inner) !== null);
    })
  );
}

const TUPLE = 'jepsen.independent/tuple';

function pairOf(value: EdnValue | null): readonly [EdnValue, EdnValue] | null {
  const plain = value?.kind === 'tagged' ? value.value : value;
  if (plain?.kind !== 'sequence' || plain.items.length !== 2) return null;
  return plain.items as readonly EdnValue[] as [EdnValue, EdnValue];
}

function splitTuple(event: EdnEvent): readonly [EdnValue | null, EdnValue | null] {
  const pair = pairOf(event.value);
  if (pair !== null) return [pair[0], ednText(pair[1]) === 'null' ? null : pair[1]];
  // An answer without a value belongs to the key of its call.
  if (event.type === 'fail' || event.type === 'info') return [null, null];
  throw new MalformedHistory(event.place, `:value: expected [key value], found ${shorten(event.value)}`);
}
