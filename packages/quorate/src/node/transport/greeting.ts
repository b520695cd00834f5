/**
 * The two frames of the hand-shake: the greeting of the one that dials, and the answer to it. Magic, version and length
 * come first and must never change in any version, so that nodes of different versions can tell each other so.
 */
import { type Beginning, type Formation, type Hello, PROTOCOL_VERSION } from '../identity.js';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { MalformedFrame, VersionMismatch } from './malformed-frame.js';

/** `control`: rounds, votes, acknowledgements, reads, small forwarded writes. `bulk`: what would hold them up. */
export type StreamName = 'control' | 'bulk';

export interface Greeting {
  readonly stream: StreamName;
  readonly hello: Hello;
}

export interface GreetingAnswer {
  readonly hello: Hello;
  /** Why the greeting is refused, null when it is accepted. */
  readonly refusal: string | null;
}

/** A hand-shake needs no more than this; whoever announces a longer frame is not a peer. */
export const MAX_GREETING_BYTES = 64 * 1024;

const HAS_FORMATION = 1;
const HAS_BEGINNING = 2;

const MAX_REFUSAL_CHARACTERS = 1_000;
/** "QUOR". */
const MAGIC = 0x51554f52;
const streams: readonly StreamName[] = ['control', 'bulk'];

/** The whole frame, length included. */
export function encodeGreeting(greeting: Greeting): Buffer {
  return frame(greeting.hello, (writer) => writer.byte(streams.indexOf(greeting.stream)));
}

/**
 * Throws {@link MalformedFrame} and nothing else; {@link VersionMismatch} when the other side is a Quorate of another
 * version.
 */
export function decodeGreeting(payload: Buffer): Greeting {
  const reader = new ByteReader(payload);
  const version = readVersion(reader);
  const place = reader.byte();
  const stream = streams[place];
  if (stream === undefined) throw new MalformedFrame(`a stream has the unknown number ${place}`);
  return { stream, hello: readHello(reader, version) };
}

/**
 * The whole frame, length included. A refusal may quote the peer's own words back, so it is cut to what fits any frame.
 */
export function encodeAnswer(answer: GreetingAnswer): Buffer {
  const refusal = answer.refusal === null ? null : answer.refusal.slice(0, MAX_REFUSAL_CHARACTERS);
  return frame(answer.hello, (writer) => writeOptional(writer, refusal));
}

/** Throws as {@link decodeGreeting} does. */
export function decodeAnswer(payload: Buffer): GreetingAnswer {
  const reader = new ByteReader(payload);
  const version = readVersion(reader);
  const refusal = readOptional(reader);
  return { refusal, hello: readHello(reader, version) };
}

function frame(hello: Hello, writeBefore: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter();
  writer.uint32(0);
  writer.uint32(MAGIC);
  writer.uint16(hello.version);
  writeBefore(writer);
  writeHello(writer, hello);
  writer.patchUint32(0, writer.length - 4);
  return writer.take();
}

function readVersion(reader: ByteReader): number {
  if (reader.uint32() !== MAGIC) throw new MalformedFrame('it does not speak the protocol of Quorate');
  const version = reader.uint16();
  if (version !== PROTOCOL_VERSION) throw new VersionMismatch({ received: version, expected: PROTOCOL_VERSION });
  return version;
}

function writeHello(writer: ByteWriter, hello: Hello): void {
  writer.text(hello.cluster);
  writer.text(hello.id);
  writer.text(hello.incarnation);
  writer.integer(hello.bootId);
  writeOptional(writer, hello.url);
  writer.uint32(hello.peers.length);
  for (const peer of hello.peers) writer.text(peer);
  const { formation, beginning } = hello;
  // A release that knows of no beginnings cannot read a greeting that has one, and is no peer for who sends it.
  writer.byte((formation === null ? 0 : HAS_FORMATION) | (beginning === null ? 0 : HAS_BEGINNING));
  if (formation !== null) writeFormation(writer, formation);
  if (beginning !== null) writeBeginning(writer, beginning);
}

function readHello(reader: ByteReader, version: number): Hello {
  const said = {
    version,
    cluster: reader.text(),
    id: reader.text(),
    incarnation: reader.text(),
    bootId: reader.integer(),
    url: readOptional(reader),
    peers: reader.list(2, () => reader.text()),
  };
  const flags = reader.byte();
  if (flags > (HAS_FORMATION | HAS_BEGINNING)) throw new MalformedFrame(`the flags of a greeting are ${flags}`);
  const formation = (flags & HAS_FORMATION) === 0 ? null : readFormation(reader);
  const beginning = (flags & HAS_BEGINNING) === 0 ? null : readBeginning(reader);
  reader.end();
  return { ...said, formation, beginning };
}

function writeFormation(writer: ByteWriter, formation: Formation): void {
  writer.text(formation.cluster);
  writer.text(formation.clusterId);
  writer.uint32(formation.members.length);
  for (const member of formation.members) {
    writer.text(member.id);
    writer.text(member.incarnation);
  }
}

function readFormation(reader: ByteReader): Formation {
  return {
    cluster: reader.text(),
    clusterId: reader.text(),
    members: reader.list(4, () => ({ id: reader.text(), incarnation: reader.text() })),
  };
}

function writeBeginning(writer: ByteWriter, { index, term, timestampMs, checksum }: Beginning): void {
  writer.integer(index);
  writer.integer(term);
  writer.integer(timestampMs);
  writer.text(checksum);
}

function readBeginning(reader: ByteReader): Beginning {
  return { index: reader.integer(), term: reader.integer(), timestampMs: reader.integer(), checksum: reader.text() };
}

function writeOptional(writer: ByteWriter, value: string | null): void {
  writer.flag(value !== null);
  if (value !== null) writer.text(value);
}

function readOptional(reader: ByteReader): string | null {
  return reader.flag() ? reader.text() : null;
}
