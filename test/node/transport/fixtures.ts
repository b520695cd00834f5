/**
 * Messages and hellos for the tests of the transport: one of every type, and generators for all that a codec may meet.
 * The examples must never change, for their bytes are in `golden-frames.txt`.
 */
import fc from 'fast-check';
import type { Entry, Message } from '../../../packages/quorate/src/core/index.js';

import { formationOf, type Hello, PROTOCOL_VERSION } from '../../../packages/quorate/src/node/identity.js';

export const LARGEST = Number.MAX_SAFE_INTEGER;

/** The incarnation that the tests give to a name. */
export const incarnationOf = (id: string) => `${id}-disk`;

export const formationOfNames = (names: readonly string[], cluster = 'test') =>
  formationOf(
    cluster,
    names.map((id) => ({ id, incarnation: incarnationOf(id) })),
  );

/** A member of the formed cluster n1, n2, n3. */
export function helloOf(id: string, changes: Partial<Hello> = {}): Hello {
  const peers = ['n1', 'n2', 'n3'];
  return {
    version: PROTOCOL_VERSION,
    cluster: 'test',
    id,
    incarnation: incarnationOf(id),
    bootId: 1,
    url: null,
    peers,
    formation: formationOfNames(peers),
    beginning: null,
    ...changes,
  };
}

const entry: Entry = {
  index: 8,
  term: 3,
  kind: 'command',
  timestampMs: 1_700_000_000_123,
  proposal: { origin: 0xabcdef, sequence: 9 },
  data: new Uint8Array([1, 2, 255]),
};
const noOp: Entry = { ...entry, index: 9, kind: 'no-op', proposal: null, data: new Uint8Array(0) };
const configuration: Entry = { ...entry, index: 10, kind: 'configuration', proposal: null };
const head = { from: 'n1', to: 'n2', term: 3 } as const;
const read = { origin: 0xabcdef, sequence: LARGEST } as const;

export const examples: { readonly [T in Message['type']]: Extract<Message, { type: T }> } = {
  'request-vote': { type: 'request-vote', ...head, lastIndex: 7, lastTerm: 2, transfer: true },
  'request-vote-response': { type: 'request-vote-response', ...head, rejected: true },
  'request-pre-vote': { type: 'request-pre-vote', ...head, lastIndex: 7, lastTerm: 2 },
  'request-pre-vote-response': { type: 'request-pre-vote-response', ...head, rejected: false },
  'append-entries': {
    type: 'append-entries',
    ...head,
    previousIndex: 7,
    previousTerm: 2,
    entries: [entry, noOp, configuration],
    commit: 6,
    round: 5,
  },
  'append-entries-response': {
    type: 'append-entries-response',
    ...head,
    index: 7,
    rejected: true,
    hintIndex: 6,
    hintTerm: 1,
    round: 5,
  },
  heartbeat: { type: 'heartbeat', ...head, commit: 6, round: 5 },
  'heartbeat-response': { type: 'heartbeat-response', ...head, round: 5 },
  'timeout-now': { type: 'timeout-now', ...head },
  propose: {
    type: 'propose',
    ...head,
    proposals: [
      { id: { origin: 1, sequence: 2 }, data: new Uint8Array([4, 5]) },
      { id: { origin: 1, sequence: 3 }, data: new Uint8Array(0) },
    ],
  },
  'propose-rejected': {
    type: 'propose-rejected',
    ...head,
    ids: [{ origin: 1, sequence: 2 }],
    reason: 'transfer-in-progress',
  },
  'read-index-request': { type: 'read-index-request', ...head, ...read },
  'read-index-response': { type: 'read-index-response', ...head, ...read, index: 4, commit: 6 },
  'read-index-rejected': { type: 'read-index-rejected', ...head, ...read, reason: 'leadership-lost' },
  'install-snapshot': { type: 'install-snapshot', ...head, index: 7, snapshotTerm: 2 },
  'snapshot-request': { type: 'snapshot-request', ...head, index: 7, snapshotTerm: 2, offset: LARGEST },
  'snapshot-chunk': {
    type: 'snapshot-chunk',
    ...head,
    index: 7,
    snapshotTerm: 2,
    offset: 524_288,
    size: LARGEST,
    data: new Uint8Array([1, 2, 255]),
  },
};

/** Objects like those that the sources make, for a strict comparison. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });

const number = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, LARGEST));
const flag = fc.boolean();
const name = fc.string({ unit: 'grapheme', maxLength: 40 });
const data = fc.uint8Array({ maxLength: 300 });
const id = record({ origin: number, sequence: number });
const addressed = { from: name, to: name, term: number };

const anyEntries = record({
  previousIndex: fc.oneof(fc.nat(), fc.constant(LARGEST - 5)),
  entries: fc.array(
    record({
      term: number,
      kind: fc.constantFrom('command' as const, 'no-op' as const, 'configuration' as const),
      timestampMs: number,
      proposal: fc.option(id),
      data,
    }),
    { maxLength: 5 },
  ),
}).map(({ previousIndex, entries }) => ({
  previousIndex,
  entries: entries.map((fields, place): Entry => ({ index: previousIndex + 1 + place, ...fields })),
}));

const type = <T extends Message['type']>(value: T) => ({ type: fc.constant(value) });

/** Any message that a node could send. */
export const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  record({ ...type('request-vote'), ...addressed, lastIndex: number, lastTerm: number, transfer: flag }),
  record({ ...type('request-vote-response'), ...addressed, rejected: flag }),
  record({ ...type('request-pre-vote'), ...addressed, lastIndex: number, lastTerm: number }),
  record({ ...type('request-pre-vote-response'), ...addressed, rejected: flag }),
  fc
    .tuple(
      record({ ...type('append-entries'), ...addressed, previousTerm: number, commit: number, round: number }),
      anyEntries,
    )
    .map(([fields, entries]) => ({ ...fields, ...entries })),
  record({
    ...type('append-entries-response'),
    ...addressed,
    index: number,
    rejected: flag,
    hintIndex: number,
    hintTerm: number,
    round: number,
  }),
  record({ ...type('heartbeat'), ...addressed, commit: number, round: number }),
  record({ ...type('heartbeat-response'), ...addressed, round: number }),
  record({ ...type('timeout-now'), ...addressed }),
  record({ ...type('propose'), ...addressed, proposals: fc.array(record({ id, data }), { maxLength: 5 }) }),
  record({
    ...type('propose-rejected'),
    ...addressed,
    ids: fc.array(id, { maxLength: 5 }),
    reason: fc.constantFrom('not-leader', 'term-changed', 'transfer-in-progress', 'overloaded'),
  }),
  record({ ...type('read-index-request'), ...addressed, origin: number, sequence: number }),
  record({
    ...type('read-index-response'),
    ...addressed,
    origin: number,
    sequence: number,
    index: number,
    commit: number,
  }),
  record({
    ...type('read-index-rejected'),
    ...addressed,
    origin: number,
    sequence: number,
    reason: fc.constantFrom('not-leader', 'leadership-lost', 'overloaded'),
  }),
  record({ ...type('install-snapshot'), ...addressed, index: number, snapshotTerm: number }),
  record({ ...type('snapshot-request'), ...addressed, index: number, snapshotTerm: number, offset: number }),
  record({
    ...type('snapshot-chunk'),
    ...addressed,
    index: number,
    snapshotTerm: number,
    offset: number,
    size: number,
    data,
  }),
);

const anyFormation = record({
  cluster: name,
  clusterId: name,
  members: fc.array(record({ id: name, incarnation: name }), { maxLength: 5 }),
});

const anyBeginning = record({ index: number, term: number, timestampMs: number, checksum: name });

/** Anything a node could say of itself in this version of the protocol. */
export const anyHello: fc.Arbitrary<Hello> = record({
  version: fc.constant(PROTOCOL_VERSION),
  cluster: name,
  id: name,
  incarnation: name,
  bootId: number,
  url: fc.option(name),
  peers: fc.array(name, { maxLength: 5 }),
  formation: fc.option(anyFormation),
  beginning: fc.option(anyBeginning),
});
