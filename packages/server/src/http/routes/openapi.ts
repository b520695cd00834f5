/** `GET /v1/openapi.json`: the description of this interface. It needs no store, and must answer without one. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OPENAPI_DOCUMENT } from '../openapi/document.js';
import { parseQuery } from '../request-target.js';
import type { Routes } from '../routes.js';

export async function getOpenApi(_: Routes, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  parseQuery(request.raw.url ?? '', []);
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(OPENAPI_DOCUMENT));
}
