/**
 * Reads a recorded history in any of the formats, and finds out which one it is when nobody says. It must never return
 * a history without operations: nothing could be wrong with it.
 */
import { parseEdn } from './edn-history.js';
import { parseJepsenLog } from './jepsen-log.js';
import { parseJsonl } from './jsonl-history.js';
import { MalformedHistory } from './malformed-history.js';
import type { Operation } from './operation.js';
import { parsePorcupineKv } from './porcupine-kv.js';

/**
 * `jsonl`: HistoryEvent in JSON, one a line. `edn`: Jepsen and Knossos. `jepsen`: log lines of 2015. `porcupine-kv`:
 * porcupine's key-value histories.
 */
export type HistoryFormat = 'jsonl' | 'edn' | 'jepsen' | 'porcupine-kv';

export const HISTORY_FORMATS: readonly HistoryFormat[] = ['jsonl', 'edn', 'jepsen', 'porcupine-kv'];

/** `format`: default is what {@link detectFormat} finds. Throws MalformedHistory, with the line. */
export function parseHistory(source: string, format: HistoryFormat = detectFormat(source)): readonly Operation[] {
  const operations = PARSERS[format](source.startsWith('\uFEFF') ? source.slice(1) : source);
  if (operations.length === 0) throw new MalformedHistory(null, `no operation in the format ${format}`);
  return operations;
}

const PARSERS: Readonly<Record<HistoryFormat, (source: string) => readonly Operation[]>> = {
  jsonl: parseJsonl,
  edn: parseEdn,
  jepsen: parseJepsenLog,
  'porcupine-kv': parsePorcupineKv,
};

/** From the content alone. Throws MalformedHistory when it looks like none of them. */
export function detectFormat(source: string): HistoryFormat {
  if (/jepsen\.util\s+-\s+\d+\s+:(invoke|ok|fail|info)\s/.test(source)) return 'jepsen';
  if (/^\uFEFF?\s*\{\s*"/.test(source)) return 'jsonl';
  if (/^\uFEFF?(?:[\s,]|;[^\n]*\n)*[[({#]/.test(source)) {
    return /:f\s+:(put|append|get)[\s,}]/.test(source) ? 'porcupine-kv' : 'edn';
  }
  throw new MalformedHistory(null, `cannot tell the format: it looks like none of ${HISTORY_FORMATS.join(', ')}`);
}
