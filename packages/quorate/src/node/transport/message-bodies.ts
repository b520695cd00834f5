/**
 * How the body of each type of message is written and read, one pair per type, side by side. Fields are read in the
 * order in which they were written. A tag must never be used again for another type.
 */
import type {
  AppendEntries,
  Entry,
  Message,
  NodeId,
  Proposal,
  ProposalId,
  ProposalRejection,
  ReadRejection,
} from '../../core/index.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { MalformedFrame } from './malformed-frame.js';

/** What every message carries; read before the body. */
interface Head {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: number;
}

/** `write` and `read` are methods, not properties, so that the codec of one type is also a `BodyCodec` of all. */
export interface BodyCodec<M extends Message = Message> {
  /** Names the type on the wire. */
  readonly tag: number;
  write(writer: ByteWriter, message: M): void;
  read(reader: ByteReader, head: Head): M;
}

/** Their places in these lists go over the wire: only ever append. */
const entryKinds: readonly Entry['kind'][] = ['command', 'no-op', 'configuration'];
const proposalRejections: readonly ProposalRejection[] = [
  'not-leader',
  'term-changed',
  'transfer-in-progress',
  'overloaded',
];
const readRejections: readonly ReadRejection[] = ['not-leader', 'leadership-lost', 'overloaded'];

const PROPOSAL_ID_BYTES = 16;
const PROPOSAL_BYTES = PROPOSAL_ID_BYTES + 4;
const ENTRY_BYTES = 8 + 8 + 1 + 8 + 1 + 4;

export const bodyCodecs: { readonly [T in Message['type']]: BodyCodec<Extract<Message, { type: T }>> } = {
  'request-vote': {
    tag: 1,
    write(writer, message) {
      writer.integer(message.lastIndex);
      writer.integer(message.lastTerm);
      writer.flag(message.transfer);
    },
    read: (reader, head) => ({
      type: 'request-vote',
      ...head,
      lastIndex: reader.integer(),
      lastTerm: reader.integer(),
      transfer: reader.flag(),
    }),
  },
  'request-vote-response': {
    tag: 2,
    write: (writer, message) => writer.flag(message.rejected),
    read: (reader, head) => ({ type: 'request-vote-response', ...head, rejected: reader.flag() }),
  },
  'request-pre-vote': {
    tag: 3,
    write(writer, message) {
      writer.integer(message.lastIndex);
      writer.integer(message.lastTerm);
    },
    read: (reader, head) => ({
      type: 'request-pre-vote',
      ...head,
      lastIndex: reader.integer(),
      lastTerm: reader.integer(),
    }),
  },
  'request-pre-vote-response': {
    tag: 4,
    write: (writer, message) => writer.flag(message.rejected),
    read: (reader, head) => ({ type: 'request-pre-vote-response', ...head, rejected: reader.flag() }),
  },
  'append-entries': { tag: 5, write: writeAppendEntries, read: readAppendEntries },
  'append-entries-response': {
    tag: 6,
    write(writer, message) {
      writer.integer(message.index);
      writer.flag(message.rejected);
      writer.integer(message.hintIndex);
      writer.integer(message.hintTerm);
      writer.integer(message.round);
    },
    read: (reader, head) => ({
      type: 'append-entries-response',
      ...head,
      index: reader.integer(),
      rejected: reader.flag(),
      hintIndex: reader.integer(),
      hintTerm: reader.integer(),
      round: reader.integer(),
    }),
  },
  heartbeat: {
    tag: 7,
    write(writer, message) {
      writer.integer(message.commit);
      writer.integer(message.round);
    },
    read: (reader, head) => ({ type: 'heartbeat', ...head, commit: reader.integer(), round: reader.integer() }),
  },
  'heartbeat-response': {
    tag: 8,
    write: (writer, message) => writer.integer(message.round),
    read: (reader, head) => ({ type: 'heartbeat-response', ...head, round: reader.integer() }),
  },
  'install-snapshot': {
    tag: 15,
    write(writer, message) {
      writer.integer(message.index);
      writer.integer(message.snapshotTerm);
    },
    read: (reader, head) => ({
      type: 'install-snapshot',
      ...head,
      index: reader.integer(),
      snapshotTerm: reader.integer(),
    }),
  },
  'snapshot-request': {
    tag: 16,
    write(writer, message) {
      writer.integer(message.index);
      writer.integer(message.snapshotTerm);
      writer.integer(message.offset);
    },
    read: (reader, head) => ({
      type: 'snapshot-request',
      ...head,
      index: reader.integer(),
      snapshotTerm: reader.integer(),
      offset: reader.integer(),
    }),
  },
  'snapshot-chunk': {
    tag: 17,
    write(writer, message) {
      writer.integer(message.index);
      writer.integer(message.snapshotTerm);
      writer.integer(message.offset);
      writer.integer(message.size);
      writer.bytes(message.data);
    },
    read: (reader, head) => ({
      type: 'snapshot-chunk',
      ...head,
      index: reader.integer(),
      snapshotTerm: reader.integer(),
      offset: reader.integer(),
      size: reader.integer(),
      data: reader.bytes(),
    }),
  },
  'timeout-now': { tag: 9, write() {}, read: (_reader, head) => ({ type: 'timeout-now', ...head }) },
  propose: {
    tag: 10,
    write(writer, message) {
      writer.uint32(message.proposals.length);
      for (const proposal of message.proposals) writeProposal(writer, proposal);
    },
    read: (reader, head) => ({
      type: 'propose',
      ...head,
      proposals: reader.list(PROPOSAL_BYTES, () => ({ id: readProposalId(reader), data: reader.bytes() })),
    }),
  },
  'propose-rejected': {
    tag: 11,
    write(writer, message) {
      writer.byte(proposalRejections.indexOf(message.reason));
      writer.uint32(message.ids.length);
      for (const id of message.ids) writeProposalId(writer, id);
    },
    read: (reader, head) => ({
      type: 'propose-rejected',
      ...head,
      reason: readChoice(reader, proposalRejections),
      ids: reader.list(PROPOSAL_ID_BYTES, () => readProposalId(reader)),
    }),
  },
  'read-index-request': {
    tag: 12,
    write: (writer, message) => writeProposalId(writer, message),
    read: (reader, head) => ({ type: 'read-index-request', ...head, ...readProposalId(reader) }),
  },
  'read-index-response': {
    tag: 13,
    write(writer, message) {
      writeProposalId(writer, message);
      writer.integer(message.index);
      writer.integer(message.commit);
    },
    read: (reader, head) => ({
      type: 'read-index-response',
      ...head,
      ...readProposalId(reader),
      index: reader.integer(),
      commit: reader.integer(),
    }),
  },
  'read-index-rejected': {
    tag: 14,
    write(writer, message) {
      writeProposalId(writer, message);
      writer.byte(readRejections.indexOf(message.reason));
    },
    read: (reader, head) => ({
      type: 'read-index-rejected',
      ...head,
      ...readProposalId(reader),
      reason: readChoice(reader, readRejections),
    }),
  },
};

function writeAppendEntries(writer: ByteWriter, message: AppendEntries): void {
  writer.integer(message.previousIndex);
  writer.integer(message.previousTerm);
  writer.integer(message.commit);
  writer.integer(message.round);
  writer.uint32(message.entries.length);
  for (const entry of message.entries) writeEntry(writer, entry);
}

/** Entries follow each other without a gap: a peer that says otherwise must not get as far as the log. */
function readAppendEntries(reader: ByteReader, head: Head): AppendEntries {
  const previousIndex = reader.integer();
  const previousTerm = reader.integer();
  const commit = reader.integer();
  const round = reader.integer();
  let index = previousIndex;
  const entries = reader.list(ENTRY_BYTES, () => {
    const entry = readEntry(reader);
    index += 1;
    if (entry.index !== index) throw new MalformedFrame(`entry ${entry.index} stands where ${index} belongs`);
    return entry;
  });
  return { type: 'append-entries', ...head, previousIndex, previousTerm, entries, commit, round };
}

function writeEntry(writer: ByteWriter, entry: Entry): void {
  writer.integer(entry.index);
  writer.integer(entry.term);
  writer.byte(entryKinds.indexOf(entry.kind));
  writer.integer(entry.timestampMs);
  writer.flag(entry.proposal !== null);
  if (entry.proposal !== null) writeProposalId(writer, entry.proposal);
  writer.bytes(entry.data);
}

function readEntry(reader: ByteReader): Entry {
  return {
    index: reader.integer(),
    term: reader.integer(),
    kind: readChoice(reader, entryKinds),
    timestampMs: reader.integer(),
    proposal: reader.flag() ? readProposalId(reader) : null,
    data: reader.bytes(),
  };
}

function writeProposal(writer: ByteWriter, proposal: Proposal): void {
  writeProposalId(writer, proposal.id);
  writer.bytes(proposal.data);
}

/** Reads and proposals are numbered alike: the boot id of the process, and its counter. */
function writeProposalId(writer: ByteWriter, id: ProposalId): void {
  writer.integer(id.origin);
  writer.integer(id.sequence);
}

function readProposalId(reader: ByteReader): ProposalId {
  return { origin: reader.integer(), sequence: reader.integer() };
}

function readChoice<T>(reader: ByteReader, choices: readonly T[]): T {
  const place = reader.byte();
  const choice = choices[place];
  if (choice === undefined) throw new MalformedFrame(`a choice is ${place} of ${choices.length}`);
  return choice;
}
