/**
 * `GET /v1/kv?prefix=&start=&limit=`: one page of a range from one consistent view. A page that is not the last always
 * says where the next one starts.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientSignal, setReadHeaders } from '../headers.js';
import { RANGE_PARAMETERS, readOptions, wholeNumber } from '../parameters.js';
import { type RangeFormat, rangeBody } from '../range-body.js';
import { parseQuery } from '../request-target.js';
import type { Routes } from '../routes.js';

const DEFAULT_LIMIT = 1_000;
const MAX_LIMIT = 10_000;

export async function getRange(routes: Routes, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const parameters = parseQuery(request.raw.url ?? '', RANGE_PARAMETERS);
  const range = {
    prefix: parameters.get('prefix') ?? '',
    start: parameters.get('start') ?? '',
    limit: wholeNumber(parameters, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
  };
  const result = await routes.store().range(range, readOptions(parameters, request.headers, clientSignal(reply)));
  setReadHeaders(reply, result);
  // NDJSON has no place for it in the body. The query parameter `start` takes the header as it is.
  if (result.value.next !== null) reply.header('Quorate-Next', encodeURIComponent(result.value.next));
  const format = formatOf(request);
  reply.type(format === 'ndjson' ? 'application/x-ndjson' : 'application/json; charset=utf-8');
  return reply.send(rangeBody(result.value, format));
}

function formatOf(request: FastifyRequest): RangeFormat {
  const types = (request.headers.accept ?? '').split(',').map((type) => type.split(';')[0]?.trim().toLowerCase());
  return types.includes('application/x-ndjson') ? 'ndjson' : 'json';
}
