/**
 * The pieces that a description of an operation is made of, in the words of OpenAPI 3.1. The status of an error comes
 * from the one table of the server and must not be written down here again.
 */
import { type ErrorCode, STATUS_BY_CODE } from '../problem.js';

/** A JSON schema, or a reference to one. */
export type Schema = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'header' | 'path';
  readonly required?: boolean;
  readonly description: string;
  readonly schema: Schema;
}

export interface Answer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly schema: Schema }>>;
  /** By media type. */
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

export interface OperationSpecification {
  /** Unique among all. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly body?: Readonly<Record<string, { readonly schema: Schema }>>;
  /** The answer of a success; none for what is not there yet. */
  readonly ok?: Answer;
  /** The codes of all problems that it can answer with. */
  readonly errors: readonly ErrorCode[];
  /** The status of a problem, where it is not that of its code. */
  readonly errorStatus?: Readonly<Partial<Record<ErrorCode, number>>>;
  /** Headers that problems of these statuses have, beside their body. */
  readonly errorHeaders?: Readonly<Record<number, Answer['headers']>>;
}

export type Operation = Readonly<Record<string, unknown>>;

export function operation(specification: OperationSpecification): Operation {
  const { id, summary, description, parameters = [], body, ok } = specification;
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: false, content: body } }),
    responses: { ...(ok === undefined ? {} : { 200: ok }), ...problems(specification) },
  };
}

function problems({ errors, errorStatus = {}, errorHeaders = {} }: OperationSpecification): Record<number, Answer> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of errors) {
    const status = errorStatus[code] ?? STATUS_BY_CODE[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const answers = [...byStatus].map(([status, codes]): [number, Answer] => {
    const schema = { allOf: [reference('Problem'), { properties: { code: { enum: codes } } }] };
    const headers = errorHeaders[status];
    return [
      status,
      {
        description: `One of the codes ${codes.join(', ')}.`,
        ...(headers === undefined ? {} : { headers }),
        content: { 'application/problem+json': { schema } },
      },
    ];
  });
  return Object.fromEntries(answers);
}

export function reference(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

export function json(schema: Schema): Answer['content'] {
  return { 'application/json': { schema } };
}

/** An object with these fields, all of them required but those named. */
export function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  return { type: 'object', properties, required: Object.keys(properties).filter((name) => !optional.includes(name)) };
}

/** What any path can answer with, whatever it does. */
export const ANYWHERE: readonly ErrorCode[] = ['InvalidArgument', 'MalformedRequest', 'InternalError'];

/** What needs the store can meet a server that has none yet, or none any more. */
export const OF_THE_STORE: readonly ErrorCode[] = ['Starting', 'Stopped'];

/** What needs a leader, and waits for it. */
export const OF_A_LEADER: readonly ErrorCode[] = [
  'NoLeader',
  'NotLeader',
  'LeadershipLost',
  'TransferInProgress',
  'NotMember',
  'Overloaded',
  'Timeout',
];

/** What waits for a bound, or for this replica to reach one. */
export const OF_WAITING: readonly ErrorCode[] = ['LagBehind', 'Aborted', 'SnapshotInstalling', ...OF_A_LEADER];
