/**
 * The bytes of a backup as they come, no faster than they are asked for. One that breaks off must end with an error,
 * and never like a whole one.
 */
import type { Readable } from 'node:stream';
import { Canceled } from '../errors/index.js';
import { numberHeader } from './answers.js';
import { ConnectionFailed } from './api-errors.js';
import type { HttpAnswer } from './http-transport.js';
import { withoutSilence } from './streamed-records.js';

export interface Backup {
  /** The last entry that its state contains. */
  readonly index: number;
  readonly term: number;
  /** Size of the file. */
  readonly bytes: number;
  /** The file, piece by piece; to be read once. */
  readonly chunks: AsyncGenerator<Uint8Array, void, void>;
}

/** A server that sends nothing of a file for so long hangs, in milliseconds. */
const SILENT_MS = 20_000;

/** Its chunks throw ConnectionFailed when it breaks off, Canceled when the signal fires. */
export function streamedBackup(answer: HttpAnswer, signal: AbortSignal | undefined): Backup {
  const { stream, endpoint } = answer;
  if (stream === null) throw new ConnectionFailed({ endpoint, reason: 'the answer is no backup' });
  const [index, term] = [numberHeader(answer, 'quorate-index'), numberHeader(answer, 'quorate-term')];
  const bytes = numberHeader(answer, 'content-length');
  return { index, term, bytes, chunks: chunksOf(stream, { endpoint, bytes, signal }) };
}

async function* chunksOf(
  stream: Readable,
  { endpoint, bytes, signal }: { endpoint: string; bytes: number; signal: AbortSignal | undefined },
): AsyncGenerator<Uint8Array, void, void> {
  const onAbort = () => stream.destroy(new Error('canceled'));
  signal?.addEventListener('abort', onAbort, { once: true });
  let received = 0;
  try {
    for await (const chunk of withoutSilence(stream, SILENT_MS)) {
      if (signal?.aborted) throw new Error('canceled');
      received += chunk.byteLength;
      yield chunk;
    }
    if (received !== bytes) throw new Error(`${received} of ${bytes} bytes came`);
  } catch (error) {
    if (signal?.aborted) throw new Canceled({ cause: signal.reason });
    const reason = `the backup broke off: ${(error as Error).message}`;
    throw new ConnectionFailed({ endpoint, reason }, { cause: error });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    stream.destroy();
  }
}
