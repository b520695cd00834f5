/**
 * What the bodies of answers look like. A field that an answer has must stand here; a test holds real answers against
 * these schemas.
 */
import { MAX_CONDITIONS, MAX_OPERATIONS } from '../transaction-body.js';
import { object, reference, type Schema } from './operation.js';

export const INDEX: Schema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
export const TEXT: Schema = { type: 'string' };
const FLAG: Schema = { type: 'boolean' };
const BASE64: Schema = { type: 'string', contentEncoding: 'base64' };

const leader: Schema = {
  oneOf: [object({ id: TEXT, url: { type: ['string', 'null'] } }), { type: 'null' }],
  description: 'Who leads, as far as this server knows.',
};

const problem: Schema = {
  ...object(
    {
      type: { type: 'string', description: 'Equal exactly when `code` is.' },
      title: TEXT,
      status: { type: 'integer' },
      detail: { type: 'string', description: 'A sentence for people.' },
      code: { type: 'string', description: 'Stable; see the list of errors.' },
      retryable: { type: 'boolean', description: 'The same request may succeed later, or at another server.' },
      leader,
      outcome: { enum: ['not-applied', 'unknown'], description: 'Writes only: what became of it.' },
    },
    ['outcome'],
  ),
  description: 'A problem document (RFC 9457). Its code decides which further fields it has.',
  additionalProperties: true,
};

const status: Schema = object({
  id: TEXT,
  role: { enum: ['forming', 'follower', 'pre-candidate', 'candidate', 'leader', 'stopped'] },
  term: INDEX,
  leader,
  commit: INDEX,
  applied: INDEX,
  lastIndex: INDEX,
  firstIndex: { ...INDEX, description: 'Of the log, which begins behind what was cut off; 0 while the cluster forms.' },
  snapshots: {
    ...object({ index: { ...INDEX, type: ['integer', 'null'] }, count: INDEX, bytes: INDEX }),
    description: 'On its disk; `index` is that of the newest.',
  },
  lag: { ...INDEX, type: ['integer', 'null'], description: 'Null when no bound was confirmed lately.' },
  rounds: INDEX,
  waiting: { ...INDEX, description: 'Writes, requests for a bound and reads that wait.' },
  queues: {
    ...object({ reads: INDEX, writes: INDEX, log: INDEX, apply: INDEX }),
    description: 'What waits where, as in the metric `quorate_queue_length`.',
  },
  disk: {
    oneOf: [
      object({ state: { const: 'working' } }),
      object({ state: { const: 'stalled' }, stalledMs: INDEX }),
      object({ state: { const: 'failed' }, message: TEXT }),
      { type: 'null' },
    ],
    description: 'What the server knows of its disk; null while its cluster forms.',
  },
  cluster: TEXT,
  clusterId: { type: ['string', 'null'] },
  members: { type: 'array', items: object({ id: TEXT, url: { type: ['string', 'null'] }, connected: FLAG }) },
  failure: { oneOf: [object({ message: TEXT }), { type: 'null' }] },
  versions: object({ server: TEXT, protocol: { type: 'integer' }, node: TEXT }),
});

export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Problem: problem,
  Entry: object({ key: TEXT, valueBase64: BASE64, version: INDEX }),
  RangePage: object({
    entries: { type: 'array', items: reference('Entry') },
    next: { type: ['string', 'null'], description: 'The `start` of the next page; null on the last.' },
  }),
  WriteAnswer: object({ index: INDEX, term: INDEX, version: INDEX, token: TEXT }),
  DeleteAnswer: object({ index: INDEX, term: INDEX, deleted: FLAG, token: TEXT }),
  Transaction: object(
    {
      conditions: { type: 'array', items: reference('Condition'), maxItems: MAX_CONDITIONS, default: [] },
      operations: { type: 'array', items: reference('Operation'), minItems: 1, maxItems: MAX_OPERATIONS },
    },
    ['conditions'],
  ),
  Condition: {
    ...object({ key: TEXT, version: INDEX }),
    description: 'The version of a key; 0: there is no such key.',
  },
  Operation: {
    oneOf: [
      object({ put: { oneOf: [object({ key: TEXT, value: TEXT }), object({ key: TEXT, valueBase64: BASE64 })] } }),
      object({ delete: object({ key: TEXT }) }),
    ],
  },
  TransactionAnswer: object({
    index: INDEX,
    term: INDEX,
    results: {
      type: 'array',
      items: { oneOf: [object({ version: INDEX }), object({ deleted: FLAG })] },
      description: 'One for each operation, in their order.',
    },
    token: TEXT,
  }),
  TransferAnswer: object({ leader, term: INDEX }),
  SnapshotAnswer: object({ index: INDEX, term: INDEX }),
  Status: status,
  Alive: object({ status: { const: 'alive' } }),
  Ready: object({ status: { const: 'ready' }, index: INDEX, term: INDEX }),
  Change: {
    oneOf: [
      object({ kind: { const: 'put' }, key: TEXT, valueBase64: BASE64, version: INDEX }),
      object({ kind: { const: 'delete' }, key: TEXT }),
    ],
  },
  ChangeEvent: object({
    index: INDEX,
    term: INDEX,
    changes: { type: 'array', items: reference('Change'), minItems: 1 },
  }),
  ProgressEvent: object({ index: INDEX }),
};
