/**
 * The headers that every answer of a read or write carries, so that a caller knows what it saw and can build on it.
 * They never say more than the result does.
 */
import type { FastifyReply } from 'fastify';
import { ConditionFailed, IdempotencyExpired } from 'quorate/client';
import type { ReadResult } from 'quorate/reads';

export function setReadHeaders(reply: FastifyReply, result: ReadResult<unknown>): void {
  reply.headers({
    'Quorate-Index': result.index,
    'Quorate-Term': result.term,
    'Quorate-Applied-Index': result.appliedIndex,
    'Quorate-Served-By': result.servedBy,
    'Quorate-Role': result.role,
    'Quorate-Token': result.token,
  });
}

/**
 * A write that was refused by the log, too, has a place in it: its index and token are as good as those of one that was
 * applied.
 */
export async function withWriteHeaders<Written extends { readonly index: number; readonly token: string }>(
  reply: FastifyReply,
  write: Promise<Written>,
): Promise<Written> {
  try {
    const written = await write;
    setWriteHeaders(reply, written);
    return written;
  } catch (error) {
    if (error instanceof ConditionFailed || error instanceof IdempotencyExpired) setWriteHeaders(reply, error);
    throw error;
  }
}

function setWriteHeaders(reply: FastifyReply, written: { readonly index: number; readonly token: string }): void {
  reply.headers({ 'Quorate-Index': written.index, 'Quorate-Token': written.token });
}

/** Aborts when the client goes away before its answer is complete. */
export function clientSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('the client went away'));
  });
  return controller.signal;
}
