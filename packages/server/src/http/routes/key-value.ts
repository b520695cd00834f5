/**
 * One key: `GET`, `PUT`, `DELETE /v1/kv/{key}`, and the same with `/v1/kv?key64=` for keys that no path can hold.
 * Values are bytes here and nowhere looked into.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientSignal, setReadHeaders, withWriteHeaders } from '../headers.js';
import { KeyNotFound } from '../http-errors.js';
import { GET_PARAMETERS, keyWriteOptions, readOptions, WRITE_PARAMETERS } from '../parameters.js';
import { KEY_PATH, keyFromBase64, keyFromPath, parseQuery } from '../request-target.js';
import type { Routes } from '../routes.js';

type Parameters = ReadonlyMap<string, string>;

export async function getKey(routes: Routes, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { parameters, key } = keyAndParameters(request, GET_PARAMETERS);
  const result = await routes.store().get(key, readOptions(parameters, request.headers, clientSignal(reply)));
  setReadHeaders(reply, result);
  if (result.value === null) return routes.sendError(request, reply, new KeyNotFound());
  const { value, version } = result.value;
  reply.header('Quorate-Version', version).type('application/octet-stream');
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

export async function putKey(routes: Routes, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { parameters, key } = keyAndParameters(request, WRITE_PARAMETERS);
  const value = (request.body as Buffer | undefined) ?? new Uint8Array(0);
  const options = keyWriteOptions(parameters, request.headers, clientSignal(reply));
  const written = await withWriteHeaders(reply, routes.store().put(key, value, options));
  return { index: written.index, term: written.term, version: written.version, token: written.token };
}

export async function deleteKey(routes: Routes, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { parameters, key } = keyAndParameters(request, WRITE_PARAMETERS);
  const options = keyWriteOptions(parameters, request.headers, clientSignal(reply));
  const written = await withWriteHeaders(reply, routes.store().delete(key, options));
  return { index: written.index, term: written.term, deleted: written.deleted, token: written.token };
}

function keyAndParameters(request: FastifyRequest, known: readonly string[]): { parameters: Parameters; key: string } {
  const rawUrl = request.raw.url ?? '';
  const inPath = rawUrl.startsWith(KEY_PATH);
  const parameters = parseQuery(rawUrl, inPath ? known.filter((name) => name !== 'key64') : known);
  return { parameters, key: inPath ? keyFromPath(rawUrl) : keyFromBase64(parameters.get('key64') ?? '') };
}
