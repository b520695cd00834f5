/**
 * What a server says of itself, and what administrators do, as OpenAPI describes it. Paths that are not there yet are
 * listed with their one answer; they must not promise anything else.
 */
import { ANYWHERE, json, OF_THE_STORE, OF_WAITING, type Operation, operation, reference } from './operation.js';
import { query, TIMEOUT } from './parameters.js';
import { TEXT } from './schemas.js';

function ok(description: string, name: string) {
  return { ok: { description, content: json(reference(name)) ?? {} } };
}

export const SERVER_PATHS: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  '/v1/status': {
    get: operation({
      id: 'getStatus',
      summary: 'What this replica is',
      ...ok('As far as this replica knows.', 'Status'),
      errors: [...ANYWHERE, ...OF_THE_STORE],
    }),
  },
  '/v1/openapi.json': {
    get: operation({
      id: 'getOpenApi',
      summary: 'This document',
      ok: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: { type: 'object' } } } },
      errors: ANYWHERE,
    }),
  },
  '/v1/leader/transfer': {
    post: operation({
      id: 'transferLeadership',
      summary: 'Hand the leadership over; taken by the leader only',
      parameters: [query('to', TEXT, 'To this member. Default: whom the leader chooses.'), TIMEOUT],
      ...ok('Another member leads.', 'TransferAnswer'),
      errors: [...ANYWHERE, 'NotLeader', 'NoLeader', 'NotMember', 'TransferInProgress', ...OF_THE_STORE, 'Timeout'],
    }),
  },
  '/livez': {
    get: operation({
      id: 'isAlive',
      summary: 'Whether the process answers',
      ...ok('It does.', 'Alive'),
      errors: ANYWHERE,
    }),
  },
  '/metrics': {
    get: operation({
      id: 'getMetrics',
      summary: 'The figures of this server for Prometheus',
      ok: { description: 'In the text format of Prometheus.', content: { 'text/plain': { schema: TEXT } } },
      errors: ANYWHERE,
    }),
  },
  '/readyz': {
    get: operation({
      id: 'isReady',
      summary: 'Whether this replica has caught up with a leader that was confirmed just now',
      ...ok('It has.', 'Ready'),
      errors: [...ANYWHERE, 'DiskStalled', 'DiskFailed', ...OF_THE_STORE, ...OF_WAITING],
      errorStatus: { DiskFailed: 503, Timeout: 503 },
    }),
  },
};

/** Method and path. */
const NOT_THERE_YET: readonly (readonly [method: string, path: string])[] = [
  ['get', '/v1/members'],
  ['post', '/v1/members'],
  ['delete', '/v1/members'],
  ['get', '/v1/members/{id}'],
  ['post', '/v1/members/{id}'],
  ['delete', '/v1/members/{id}'],
  ['post', '/v1/snapshot'],
];

export const PATHS_TO_COME = pathsToCome();

function pathsToCome(): Readonly<Record<string, Readonly<Record<string, Operation>>>> {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const [method, path] of NOT_THERE_YET) {
    const parameters = path.includes('{id}')
      ? [{ name: 'id', in: 'path', required: true, description: 'A member.', schema: TEXT } as const]
      : [];
    const specification = operation({
      id: `${method} ${path}`.replaceAll(/[^a-z]+(.)?/g, (_, letter: string | undefined) =>
        (letter ?? '').toUpperCase(),
      ),
      summary: 'Not there yet',
      parameters,
      errors: ['NotImplemented', 'MalformedRequest'],
    });
    paths[path] = { ...paths[path], [method]: specification };
  }
  return paths;
}
