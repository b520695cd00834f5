/**
 * Messages to bytes and back: a version, the type, sender, receiver, term, and then the body of `message-bodies.ts`.
 * The format must never change under the same version; the golden bytes in the tests hold it.
 */
import type { Message } from '../../core/index.js';
import { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { MalformedFrame } from './malformed-frame.js';
import { type BodyCodec, bodyCodecs } from './message-bodies.js';

/** Version of the messages; the first byte of each. */
export const MESSAGE_VERSION = 1;

const byTag: ReadonlyMap<number, BodyCodec> = new Map(Object.values(bodyCodecs).map((codec) => [codec.tag, codec]));

/** Appends the message to the writer. */
export function encodeMessage(writer: ByteWriter, message: Message): void {
  const body: BodyCodec = bodyCodecs[message.type];
  writer.byte(MESSAGE_VERSION);
  writer.byte(body.tag);
  writer.text(message.from);
  writer.text(message.to);
  writer.integer(message.term);
  body.write(writer, message);
}

/** The message in exactly these bytes. Throws {@link MalformedFrame} and nothing else. */
export function decodeMessage(bytes: Buffer): Message {
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version !== MESSAGE_VERSION) throw new MalformedFrame(`a message has version ${version}`);
  const tag = reader.byte();
  const body = byTag.get(tag);
  if (body === undefined) throw new MalformedFrame(`a message has the unknown type ${tag}`);
  const head = { from: reader.text(), to: reader.text(), term: reader.integer() };
  const message = body.read(reader, head);
  reader.end();
  return message;
}
