/**
 * `POST /v1/txn`: conditions and operations, all or nothing, as one entry of the log. Nothing of a transaction may be
 * applied that was not understood as a whole.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientSignal, withWriteHeaders } from '../headers.js';
import { TRANSACTION_PARAMETERS, writeOptions } from '../parameters.js';
import { parseQuery } from '../request-target.js';
import type { Routes } from '../routes.js';
import { parseTransaction } from '../transaction-body.js';

/** Values grow by a third as base64, and by as much again as text that has to be escaped; keys come on top. */
export function transactionBodyLimit(maxValueBytes: number): number {
  return 2 * maxValueBytes + 512 * 1024;
}

export async function postTransaction(routes: Routes, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const parameters = parseQuery(request.raw.url ?? '', TRANSACTION_PARAMETERS);
  const options = writeOptions(parameters, request.headers, clientSignal(reply));
  const body = (request.body as Buffer | undefined) ?? new Uint8Array(0);
  const written = await withWriteHeaders(
    reply,
    routes.store().txn(parseTransaction(body, routes.maxValueBytes), options),
  );
  return { index: written.index, term: written.term, results: written.results, token: written.token };
}
