/**
 * The body of a range answer, made in slices of bounded size with a turn of the loop between them: encoding a page of
 * megabytes in one go would block the node. JSON is `{ entries, next }`; NDJSON has one entry a line, as `import`
 * reads them.
 */
import { Readable } from 'node:stream';
import type { Entry, RangePage } from 'quorate/client';
import type { Turns } from '../turns.js';

/** Characters handed on in one piece. */
const SLICE_CHARACTERS = 64 * 1024;

export type RangeFormat = 'json' | 'ndjson';

/** A text when the page is small, a stream otherwise. */
export function rangeBody(page: RangePage, format: RangeFormat, turns: Turns): string | Readable {
  const slices = format === 'json' ? jsonSlices(page) : ndjsonSlices(page);
  const first = slices.next();
  const second = slices.next();
  if (first.done) return '';
  if (second.done) return first.value;
  return Readable.from(withTurns(first.value, second.value, { rest: slices, turns }), { objectMode: false });
}

async function* withTurns(
  first: string,
  second: string,
  { rest, turns }: { readonly rest: Iterator<string>; readonly turns: Turns },
): AsyncGenerator<string> {
  yield first;
  yield second;
  for (;;) {
    const { done, value } = await turns.run(() => rest.next());
    if (done) return;
    yield value;
  }
}

function* jsonSlices(page: RangePage): Generator<string, void, void> {
  let slice = '{"entries":[';
  for (const [at, entry] of page.entries.entries()) {
    slice += at === 0 ? encode(entry) : `,${encode(entry)}`;
    if (slice.length < SLICE_CHARACTERS) continue;
    yield slice;
    slice = '';
  }
  yield `${slice}],"next":${JSON.stringify(page.next)}}`;
}

function* ndjsonSlices(page: RangePage): Generator<string, void, void> {
  let slice = '';
  for (const entry of page.entries) {
    slice += `${encode(entry)}\n`;
    if (slice.length < SLICE_CHARACTERS) continue;
    yield slice;
    slice = '';
  }
  yield slice;
}

/** NDJSON of a few entries. */
export function entryLines(entries: readonly Entry[]): string {
  return entries.map((entry) => `${encode(entry)}\n`).join('');
}

function encode(entry: Entry): string {
  const { buffer, byteOffset, byteLength } = entry.value;
  const valueBase64 = Buffer.from(buffer, byteOffset, byteLength).toString('base64');
  return JSON.stringify({ key: entry.key, valueBase64, version: entry.version });
}
