/** `POST /v1/leader/transfer`: hands the leadership over. Taken by the leader only; others answer with where it is. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientSignal } from '../headers.js';
import { MAX_TIMEOUT_MS, wholeNumber } from '../parameters.js';
import { parseQuery } from '../request-target.js';
import type { Routes } from '../routes.js';

const DEFAULT_TIMEOUT_MS = 5_000;

export async function postTransfer(routes: Routes, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const parameters = parseQuery(request.raw.url ?? '', ['to', 'timeout_ms']);
  const timeoutMs = wholeNumber(parameters, 'timeout_ms', 1, MAX_TIMEOUT_MS) ?? DEFAULT_TIMEOUT_MS;
  await routes.store().transferLeadership(parameters.get('to'), { timeoutMs, signal: clientSignal(reply) });
  const { leader, term } = routes.store().status();
  return { leader, term };
}
