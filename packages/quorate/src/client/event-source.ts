/**
 * Server-sent events out of the body of an answer, one at a time: what is not asked for stays in the socket, so that
 * a slow reader slows the server down and fills no memory. An event that did not arrive whole must never be handed out.
 */

import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

export interface ServerSentEvent {
  readonly event: string;
  readonly id: string | null;
  readonly data: string;
}

/** More than the largest entry takes; what is longer is no event of ours. In characters. */
const MAX_EVENT_LENGTH = 64 * 1024 * 1024;

/**
 * Ends when the stream does. Throws what the stream fails with, and an Error when nothing at all came for `silentMs`.
 */
export async function* serverSentEvents(
  stream: Readable,
  { silentMs }: { readonly silentMs: number },
): AsyncGenerator<ServerSentEvent, void, void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of withoutSilence(stream, silentMs)) {
    // Where to look for the end: what was there before has none, but may have its first half.
    let lookAt = Math.max(0, rest.length - 1);
    rest += decoder.write(chunk);
    for (;;) {
      const end = rest.indexOf('\n\n', lookAt);
      if (end < 0) break;
      const text = rest.slice(0, end);
      rest = rest.slice(end + 2);
      lookAt = 0;
      const event = parse(text);
      if (event !== null) yield event;
    }
    if (rest.length > MAX_EVENT_LENGTH) throw new Error(`an event of more than ${MAX_EVENT_LENGTH} characters`);
  }
}

/** The chunks of the stream. A server that is alive says something now and then; one that hangs does not. */
async function* withoutSilence(stream: Readable, silentMs: number): AsyncGenerator<Buffer, void, void> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const timer = setTimeout(() => stream.destroy(new Error(`nothing came for ${silentMs} ms`)), silentMs);
      const { done, value } = await chunks.next().finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  } finally {
    stream.destroy();
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
