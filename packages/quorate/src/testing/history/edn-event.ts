/**
 * The maps of Jepsen, Knossos and porcupine: `{:process 0, :type :invoke, :f :write, :value 3}`. Only the fields that a
 * history needs are looked at; the others may hold anything.
 */
import { EdnReader, type EdnValue, ednText, pairs } from './edn-reader.js';
import { MalformedHistory } from './malformed-history.js';

export interface EdnEvent {
  readonly place: string;
  readonly process: string;
  readonly type: 'invoke' | 'ok' | 'fail' | 'info';
  /** Without its colon. */
  readonly f: string;
  /** Null when the map has none. */
  readonly key: EdnValue | null;
  /** Null when the map has none, or nil. */
  readonly value: EdnValue | null;
}

/** The events of clients; those of the nemesis are left out. Throws MalformedHistory. */
export function parseEdnEvents(source: string): readonly EdnEvent[] {
  const reader = new EdnReader(source);
  const events: EdnEvent[] = [];
  for (let value = reader.next(); value !== null; value = reader.next()) {
    const all = value.kind === 'sequence' ? value.items : [value];
    for (const item of all) {
      const event = eventOf(item, `line ${reader.line}`);
      if (event !== null) events.push(event);
    }
  }
  return events;
}

/** Null for what no client did. */
function eventOf(value: EdnValue, near: string): EdnEvent | null {
  // Records are printed as tagged maps: #jepsen.history.Op{...}.
  const map = value.kind === 'tagged' ? value.value : value;
  if (map.kind !== 'map') {
    throw new MalformedHistory(near, `expected a map with :process, :type, :f and :value, found ${shorten(value)}`);
  }
  const place = `line ${map.line}`;
  const fields = new Map(pairs(map.items).map(([key, of]) => [ednText(key), of]));
  const process = fields.get(':process');
  if (process === undefined) throw new MalformedHistory(place, `expected :process in ${shorten(map)}`);
  if (process.kind !== 'sequence' && /^[:"]nemesis"?$/.test(ednText(process))) return null;
  const type = keyword(fields, ':type', place);
  if (type !== 'invoke' && type !== 'ok' && type !== 'fail' && type !== 'info') {
    throw new MalformedHistory(place, `:type: expected :invoke, :ok, :fail or :info, found :${type}`);
  }
  const given = fields.get(':value') ?? null;
  return {
    ...{ place, type, process: ednText(process), key: fields.get(':key') ?? null, f: keyword(fields, ':f', place) },
    value: given !== null && ednText(given) === 'null' ? null : given,
  };
}

function keyword(fields: ReadonlyMap<string, EdnValue>, name: string, place: string): string {
  const value = fields.get(name);
  if (value === undefined) throw new MalformedHistory(place, `expected ${name}`);
  if (value.kind === 'atom' && value.text.startsWith(':')) return value.text.slice(1);
  throw new MalformedHistory(place, `${name}: expected a keyword, found ${shorten(value)}`);
}

export function shorten(value: EdnValue | null): string {
  const text = value === null ? 'nil' : ednText(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
