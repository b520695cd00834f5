/**
 * What a server says of itself, and what administrators do, as OpenAPI describes it. Paths that are not there yet are
 * listed with their one answer; they must not promise anything else.
 */
import { MAX_SNAPSHOT_TIMEOUT_MS, SNAPSHOT_TIMEOUT_MS } from '../parameters.js';
import { ANYWHERE, json, OF_THE_STORE, OF_WAITING, type Operation, operation, reference } from './operation.js';
import { query, TIMEOUT } from './parameters.js';
import { INDEX, TEXT } from './schemas.js';

function ok(description: string, name: string) {
  return { ok: { description, content: json(reference(name)) ?? {} } };
}

const SNAPSHOT_TIMEOUT = query(
  'timeout_ms',
  { type: 'integer', minimum: 1, maximum: MAX_SNAPSHOT_TIMEOUT_MS, default: SNAPSHOT_TIMEOUT_MS },
  'How long to wait for it, in milliseconds. It goes on after that.',
);

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
  '/v1/snapshot': {
    get: operation({
      id: 'getBackup',
      summary: 'A backup: the file of a snapshot with every write that was acknowledged before the request',
      parameters: [SNAPSHOT_TIMEOUT],
      ok: {
        description: 'The file. It says itself whether it is whole.',
        headers: {
          'Quorate-Index': { description: 'The last entry that the state contains.', schema: INDEX },
          'Quorate-Term': { description: 'Of that entry.', schema: INDEX },
          'Content-Length': { description: 'Size of the file.', schema: INDEX },
        },
        content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
      },
      errors: [...ANYWHERE, 'DiskFailed', 'SnapshotDamaged', ...OF_THE_STORE, ...OF_WAITING],
    }),
    post: operation({
      id: 'takeSnapshot',
      summary: 'Write the state of this server to a snapshot now',
      parameters: [SNAPSHOT_TIMEOUT],
      ...ok('It is durable.', 'SnapshotAnswer'),
      errors: [
        ...ANYWHERE,
        'DiskFailed',
        'SnapshotDamaged',
        'SnapshotInstalling',
        'Overloaded',
        'NoLeader',
        ...OF_THE_STORE,
        'Timeout',
      ],
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
