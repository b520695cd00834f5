/**
 * One connection seen as bytes and frames, for tests that say what no transport would say. It must not hide how it
 * ended.
 */
import { connect, type Socket } from 'node:net';
import type { Message } from '../../../packages/quorate/src/core/index.js';
import type { Hello } from '../../../packages/quorate/src/node/identity.js';
import { ByteWriter } from '../../../packages/quorate/src/node/transport/byte-writer.js';
import { encodeMessage } from '../../../packages/quorate/src/node/transport/codec.js';
import { FrameReader } from '../../../packages/quorate/src/node/transport/frame-reader.js';
import {
  decodeAnswer,
  encodeGreeting,
  type GreetingAnswer,
  type StreamName,
} from '../../../packages/quorate/src/node/transport/greeting.js';
import type { Address } from '../../../packages/quorate/src/node/transport/sockets.js';
import { Events } from './events.js';

const FRAME_LIMIT = 64 * 1024 * 1024;

/** A connection seen as raw bytes, with the frames that came in cut out. */
export class RawConnection {
  readonly events = new Events();
  readonly frames: Buffer[] = [];
  closed = false;
  onFrame: (frame: Buffer, place: number) => void = () => {};
  readonly socket: Socket;
  readonly #reader = new FrameReader(FRAME_LIMIT);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#reader.push(chunk);
      for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) {
        this.onFrame(frame, this.frames.push(frame) - 1);
      }
      this.events.notify();
    });
    // A reset is as good as an end here.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.events.notify();
    });
  }

  async frame(place: number): Promise<Buffer> {
    await this.events.until(() => this.closed || this.frames.length > place);
    const frame = this.frames[place];
    if (frame === undefined) throw new Error('the connection was closed before the frame');
    return frame;
  }

  end(): Promise<void> {
    return this.events.until(() => this.closed);
  }

  send(message: Message): void {
    const writer = new ByteWriter();
    writer.uint32(0);
    encodeMessage(writer, message);
    writer.patchUint32(0, writer.length - 4);
    this.socket.write(writer.take());
  }
}

/** Dials a node by hand. */
export function dialRaw(address: Address): RawConnection {
  return new RawConnection(connect(address.port, address.host));
}

/** Dials a node and greets it as `hello`; resolves with its answer. */
export async function greetRaw(
  address: Address,
  hello: Hello,
  stream: StreamName = 'control',
): Promise<{ connection: RawConnection; answer: GreetingAnswer }> {
  const connection = dialRaw(address);
  connection.socket.write(encodeGreeting({ stream, hello }));
  return { connection, answer: decodeAnswer(await connection.frame(0)) };
}
