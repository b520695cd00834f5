/**
 * Server-sent events out of the body of an answer, one at a time. An event that did not arrive whole must never be
 * handed out.
 */
import type { Readable } from 'node:stream';
import { streamedRecords } from './streamed-records.js';

export interface ServerSentEvent {
  readonly event: string;
  readonly id: string | null;
  readonly data: string;
}

/** Ends and throws as {@link streamedRecords} does. */
export async function* serverSentEvents(
  stream: Readable,
  { silentMs }: { readonly silentMs: number },
): AsyncGenerator<ServerSentEvent, void, void> {
  for await (const text of streamedRecords(stream, { separator: '\n\n', silentMs })) {
    const event = parse(text);
    if (event !== null) yield event;
  }
}

/** Null for a comment. */
function parse(text: string): ServerSentEvent | null {
  let event = 'message';
  let id: string | null = null;
  const data: string[] = [];
  for (const line of text.split('\n')) {
    const [name, value] = field(line);
    if (name === 'event') event = value;
    else if (name === 'id') id = value;
    else if (name === 'data') data.push(value);
  }
  return data.length === 0 ? null : { event, id, data: data.join('\n') };
}

function field(line: string): readonly [name: string, value: string] {
  const at = line.indexOf(':');
  if (at < 0) return [line, ''];
  return [line.slice(0, at), line.slice(line[at + 1] === ' ' ? at + 2 : at + 1)];
}
