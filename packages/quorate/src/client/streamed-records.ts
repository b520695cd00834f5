/**
 * The body of a long answer, cut into its records: what is not asked for stays in the socket, so that a slow reader
 * slows the server down and fills no memory. A record that did not arrive whole must never be handed out.
 */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** More than the largest entry takes; what is longer is no record of ours. In characters. */
const MAX_RECORD_LENGTH = 64 * 1024 * 1024;

export interface RecordOptions {
  /** What ends a record. */
  readonly separator: string;
  /** How long nothing at all may come, in milliseconds. */
  readonly silentMs: number;
}

/**
 * Ends when the stream does, which it destroys when the reader ends first. Throws what the stream fails with, and an
 * Error when nothing came for too long, or when the stream ends within a record.
 */
export async function* streamedRecords(
  stream: Readable,
  { separator, silentMs }: RecordOptions,
): AsyncGenerator<string, void, void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of withoutSilence(stream, silentMs)) {
    // Where to look for the end: what was there before has none, but may have its first half.
    let lookAt = Math.max(0, rest.length - separator.length + 1);
    rest += decoder.write(chunk);
    let start = 0;
    for (;;) {
      const end = rest.indexOf(separator, lookAt);
      if (end < 0) break;
      yield rest.slice(start, end);
      start = end + separator.length;
      lookAt = start;
    }
    rest = rest.slice(start);
    if (rest.length > MAX_RECORD_LENGTH) throw new Error(`a record of more than ${MAX_RECORD_LENGTH} characters`);
  }
  if (rest !== '') throw new Error('the answer ended in the middle of a record');
}

/** The chunks of the stream. A server that is alive says something now and then; one that hangs does not. */
export async function* withoutSilence(stream: Readable, silentMs: number): AsyncGenerator<Buffer, void, void> {
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
