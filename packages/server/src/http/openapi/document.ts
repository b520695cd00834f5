/**
 * The OpenAPI document of the HTTP interface, as `GET /v1/openapi.json` serves it. It must describe every route and
 * nothing else; a test holds it against the table of routes and against real answers.
 */
import { SERVER_VERSION } from '../../version.js';
import { KEY_VALUE_PATHS } from './key-value.js';
import type { Operation, Schema } from './operation.js';
import { SCHEMAS } from './schemas.js';
import { PATHS_TO_COME, SERVER_PATHS } from './server.js';
import { WATCH_PATHS } from './watch.js';

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Readonly<Record<string, unknown>>;
  /** By path, then by method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export const OPENAPI_DOCUMENT: OpenApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'Quorate',
    version: SERVER_VERSION,
    description: 'A replicated key-value store with fresh reads from every replica.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  paths: { ...KEY_VALUE_PATHS, ...WATCH_PATHS, ...SERVER_PATHS, ...PATHS_TO_COME },
  components: { schemas: SCHEMAS },
};
