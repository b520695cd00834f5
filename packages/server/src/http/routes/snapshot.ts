/**
 * `POST /v1/snapshot`: this server writes its state to a snapshot now. `GET /v1/snapshot`: the file of one, as a
 * backup. A backup that broke off must never look like a whole one, nor lack what was acknowledged before the request.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientSignal } from '../headers.js';
import { MAX_SNAPSHOT_TIMEOUT_MS, SNAPSHOT_TIMEOUT_MS, wholeNumber } from '../parameters.js';
import { parseQuery } from '../request-target.js';
import type { Routes } from '../routes.js';
import { StreamedBody } from '../streamed-body.js';

export async function postSnapshot(routes: Routes, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const timeoutMs = timeoutOf(request);
  const { index, term } = await routes.store().takeSnapshot({ timeoutMs, signal: clientSignal(reply) });
  return { index, term };
}

export async function getSnapshot(routes: Routes, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const timeoutMs = timeoutOf(request);
  const store = routes.store();
  using answer = routes.exports.enter(reply);
  const { signal } = answer;
  const backup = await store.openBackup({ timeoutMs, signal });
  try {
    const { index, term } = backup.position;
    reply.headers({ 'Quorate-Index': index, 'Quorate-Term': term, 'Content-Length': backup.bytes });
    reply.type('application/octet-stream');
    if (request.method === 'HEAD') return reply.send();
    const body = new StreamedBody(reply, { stallMs: routes.streamTimes.stallMs, signal });
    try {
      for await (const piece of backup.chunks()) await body.send(piece);
      body.end();
    } catch (error) {
      body.cut();
      if (!answer.gone) routes.unfinished(error, request);
    }
    return reply;
  } finally {
    await backup.close();
  }
}

function timeoutOf(request: FastifyRequest): number {
  const parameters = parseQuery(request.raw.url ?? '', ['timeout_ms']);
  return wholeNumber(parameters, 'timeout_ms', 1, MAX_SNAPSHOT_TIMEOUT_MS) ?? SNAPSHOT_TIMEOUT_MS;
}
