/**
 * `GET /metrics`: the figures of this server for Prometheus. It answers in every state of the node, and must never be
 * refused or made to wait because of one.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseQuery } from '../request-target.js';
import type { Routes } from '../routes.js';

export async function getMetrics(routes: Routes, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  parseQuery(request.raw.url ?? '', []);
  const { contentType, text } = await routes.metrics();
  return reply.type(contentType).send(text);
}
