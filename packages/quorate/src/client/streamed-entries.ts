/**
 * The entries of an export as they come. An export that breaks off has no view to go on with: it must end with an
 * error, and never like a whole one.
 */
import { Canceled, QuorateError } from '../errors/index.js';
import { type Entry, entryLine } from './answers.js';
import { ConnectionFailed } from './api-errors.js';
import type { HttpAnswer } from './http-transport.js';
import { streamedRecords } from './streamed-records.js';

/** A server that sends nothing of an export for so long hangs, in milliseconds. */
const SILENT_MS = 20_000;

/** Throws ConnectionFailed when it breaks off, Canceled when the signal fires. */
export async function* streamedEntries(
  answer: HttpAnswer,
  signal: AbortSignal | undefined,
): AsyncGenerator<Entry, void, void> {
  const { stream, endpoint } = answer;
  if (stream === null) throw new ConnectionFailed({ endpoint, reason: 'the answer is no export' });
  const onAbort = () => stream.destroy(new Error('canceled'));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const line of streamedRecords(stream, { separator: '\n', silentMs: SILENT_MS })) {
      if (signal?.aborted) throw new Canceled({ cause: signal.reason });
      yield entryLine(answer, line);
    }
  } catch (error) {
    if (signal?.aborted) throw new Canceled({ cause: signal.reason });
    if (error instanceof QuorateError) throw error;
    const reason = `the export broke off: ${(error as Error).message}`;
    throw new ConnectionFailed({ endpoint, reason }, { cause: error });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    stream.destroy();
  }
}
