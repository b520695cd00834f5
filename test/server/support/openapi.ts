/**
 * Holds answers against the OpenAPI document: status, media type, headers of our own, and the body with no field more
 * or less than its schema has.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { OPENAPI_DOCUMENT } from '../../../packages/server/src/http/openapi/document.js';
import type { RawAnswer } from './http.js';

export interface DescribedAnswer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, { readonly schema: Record<string, unknown> }>>;
}

export interface DescribedOperation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, DescribedAnswer>>;
}

/** What the document says of a method of a path, both as they stand in it. Throws when it says nothing. */
export function described(method: string, path: string): DescribedOperation {
  const operation = OPENAPI_DOCUMENT.paths[path]?.[method.toLowerCase()];
  if (operation === undefined) throw new Error(`packages/server/src/http/openapi/ does not describe ${method} ${path}`);
  return operation as unknown as DescribedOperation;
}

/** The codes of the problems that an operation can answer with, each with its status. */
export function codesOf({ responses }: DescribedOperation): ReadonlyMap<string, number> {
  const codes = new Map<string, number>();
  for (const [status, { content = {} }] of Object.entries(responses)) {
    const schema = content['application/problem+json']?.schema as { allOf?: [unknown, Described] } | undefined;
    for (const code of schema?.allOf?.[1].properties.code.enum ?? []) codes.set(code, Number(status));
  }
  return codes;
}

interface Described {
  readonly properties: { readonly code: { readonly enum: readonly string[] } };
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(closed({ $id: 'document', components: OPENAPI_DOCUMENT.components }) as object);
const validators = new Map<object, ValidateFunction>();

/** Why the answer is not as the document says; empty when it is. */
export function deviations(method: string, path: string, answer: RawAnswer): readonly string[] {
  const response = described(method, path).responses[answer.status];
  const where = `${method} ${path}, ${answer.status}`;
  if (response === undefined) return [`${where} is not described: ${answer.body.toString().slice(0, 300)}`];
  const found: string[] = [];
  const known = Object.keys(response.headers ?? {}).map((name) => name.toLowerCase());
  for (const name of Object.keys(answer.headers)) {
    if (name.startsWith('quorate-') && !known.includes(name))
      found.push(`${where}: the header ${name} is not described`);
  }
  const type = answer.headers['content-type']?.split(';')[0] ?? '';
  const content = response.content?.[type];
  if (content === undefined) return [...found, `${where}: the media type ${type} is not described`];
  if (!/[/+]json$/.test(type)) return found;
  const validate = validatorOf(content.schema);
  if (!validate(JSON.parse(answer.body.toString()))) found.push(`${where}: ${ajv.errorsText(validate.errors)}`);
  return found;
}

/** For the data of events, which OpenAPI cannot describe in their place. */
export function deviationsFrom(schema: string, value: unknown): readonly string[] {
  const validate = validatorOf({ $ref: `#/components/schemas/${schema}` });
  return validate(value) ? [] : [`${schema}: ${ajv.errorsText(validate.errors)}`];
}

function validatorOf(schema: Record<string, unknown>): ValidateFunction {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const text = JSON.stringify(closed(schema));
  const made = ajv.compile(JSON.parse(text.replaceAll('"#/components', '"document#/components')) as object);
  validators.set(schema, made);
  return made;
}

/** Objects have the fields that are described, and no others, unless they say so. A part of `allOf` is not a whole. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([name, value]) => [name, closed(value)]);
  const copy = Object.fromEntries(entries) as Record<string, unknown>;
  if (copy.type === 'object' && copy.properties !== undefined) copy.additionalProperties ??= false;
  return copy;
}
