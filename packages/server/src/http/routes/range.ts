/**
 * `GET /v1/kv?prefix=&start=&limit=`: one page of a range from one consistent view; as NDJSON without a limit all of
 * it. A page that is not the last always says where the next one starts, and a range that breaks off must never look
 * like a whole one.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientSignal, setReadHeaders } from '../headers.js';
import { RANGE_PARAMETERS, readOptions, wholeNumber } from '../parameters.js';
import { entryLines, type RangeFormat, rangeBody } from '../range-body.js';
import { parseQuery } from '../request-target.js';
import type { Routes } from '../routes.js';
import { StreamedBody } from '../streamed-body.js';

const DEFAULT_LIMIT = 1_000;
const MAX_LIMIT = 10_000;

export async function getRange(routes: Routes, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const parameters = parseQuery(request.raw.url ?? '', RANGE_PARAMETERS);
  const limit = wholeNumber(parameters, 'limit', 1, MAX_LIMIT);
  const format = formatOf(request);
  if (format === 'ndjson' && limit === undefined) return exportRange(routes, request, reply, parameters);
  const range = { ...bounds(parameters), limit: limit ?? DEFAULT_LIMIT };
  const result = await routes.store().range(range, readOptions(parameters, request.headers, clientSignal(reply)));
  setReadHeaders(reply, result);
  // NDJSON has no place for it in the body. The query parameter `start` takes the header as it is.
  if (result.value.next !== null) reply.header('Quorate-Next', encodeURIComponent(result.value.next));
  reply.type(format === 'ndjson' ? 'application/x-ndjson; charset=utf-8' : 'application/json; charset=utf-8');
  return reply.send(rangeBody(result.value, format, routes.turns));
}

async function exportRange(
  routes: Routes,
  request: FastifyRequest,
  reply: FastifyReply,
  parameters: ReadonlyMap<string, string>,
): Promise<FastifyReply> {
  const store = routes.store();
  using answer = routes.exports.enter(reply);
  const { signal } = answer;
  const result = await store.export(bounds(parameters), readOptions(parameters, request.headers, signal));
  const view = result.value;
  try {
    setReadHeaders(reply, result);
    reply.type('application/x-ndjson; charset=utf-8');
    if (request.method === 'HEAD') return reply.send();
    const body = new StreamedBody(reply, { stallMs: routes.streamTimes.stallMs, signal });
    try {
      const sendNext = async () => {
        const entries = view.next();
        if (entries !== null) await body.send(entryLines(entries));
        return entries !== null;
      };
      while (await routes.turns.run(sendNext));
      body.end();
    } catch (error) {
      body.cut();
      if (!answer.gone) routes.unfinished(error, request);
    }
    return reply;
  } finally {
    view.release();
  }
}

function bounds(parameters: ReadonlyMap<string, string>): { readonly prefix: string; readonly start: string } {
  return { prefix: parameters.get('prefix') ?? '', start: parameters.get('start') ?? '' };
}

function formatOf(request: FastifyRequest): RangeFormat {
  const types = (request.headers.accept ?? '').split(',').map((type) => type.split(';')[0]?.trim().toLowerCase());
  return types.includes('application/x-ndjson') ? 'ndjson' : 'json';
}
