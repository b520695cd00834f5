/**
 * Splits a stream of bytes into lines, at newlines only: what `readline` also takes for line ends (U+2028) may stand
 * in JSON text. A line above the limit is reported, not collected.
 */

/** A line of a value of 1 MiB with every character escaped (six for one) fits. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without the newline; null when it was longer than the limit. */
  readonly bytes: Uint8Array | null;
  /** Bytes of the input up to the end of this line. */
  readonly endsAt: number;
}

export async function* splitLines(source: AsyncIterable<Uint8Array>, maxBytes = MAX_LINE_BYTES): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let length = 0;
  let number = 1;
  let position = 0;
  const take = (): Uint8Array | null => {
    const bytes = length > maxBytes ? null : Buffer.concat(parts, length);
    parts = [];
    length = 0;
    return bytes;
  };
  const add = (part: Uint8Array): void => {
    length += part.byteLength;
    if (length > maxBytes) parts = [];
    else parts.push(part);
  };
  for await (const chunk of source) {
    let from = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, from)) {
      add(chunk.subarray(from, at));
      from = at + 1;
      yield { number, bytes: take(), endsAt: position + from };
      number += 1;
    }
    add(chunk.subarray(from));
    position += chunk.byteLength;
  }
  if (length > 0) yield { number, bytes: take(), endsAt: position };
}
