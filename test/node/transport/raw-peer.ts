/**
 * A peer made of raw bytes: it answers greetings as the test says, and reads or does not read. It never shows a sign of
 * life beyond that.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Message } from '../../../packages/quorate/src/core/index.js';
import type { Hello } from '../../../packages/quorate/src/node/identity.js';
import { decodeMessage } from '../../../packages/quorate/src/node/transport/codec.js';
import {
  decodeGreeting,
  encodeAnswer,
  type StreamName,
} from '../../../packages/quorate/src/node/transport/greeting.js';
import type { Address } from '../../../packages/quorate/src/node/transport/sockets.js';
import { Events } from './events.js';
import { listening } from './loopback.js';
import { RawConnection } from './raw-connection.js';

export interface RawStream {
  readonly stream: StreamName;
  readonly hello: Hello;
  readonly connection: RawConnection;
}

/** A peer made of raw bytes: accepts every stream with its hello, unless it has a refusal, and shows no other life. */
export class RawPeer {
  readonly streams: RawStream[] = [];
  readonly events = new Events();
  hello: Hello;
  refusal: string | null = null;
  /** Answers no greeting while true. */
  mute = false;
  /** Stops reading a stream once it is greeted. */
  deafTo: StreamName | null = null;
  readonly #server = createServer((socket) => this.#greet(new RawConnection(socket)));

  constructor(hello: Hello) {
    this.hello = hello;
  }

  listen(): Promise<Address> {
    return listening(this.#server);
  }

  async stream(name: StreamName, count = 1): Promise<RawStream> {
    const found = () => this.streams.filter(({ stream }) => stream === name)[count - 1];
    await this.events.until(() => found() !== undefined);
    return found() as RawStream;
  }

  /** The messages that came over a stream. */
  messages(name: StreamName): Message[] {
    return this.streams
      .filter(({ stream }) => stream === name)
      .flatMap(({ connection }) => connection.frames.slice(1).map(decodeMessage));
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const { connection } of this.streams) connection.socket.destroy();
    await closed;
  }

  #greet(connection: RawConnection): void {
    connection.onFrame = (frame, place) => {
      if (place > 0) return;
      const { stream, hello } = decodeGreeting(frame);
      if (!this.mute) connection.socket.write(encodeAnswer({ hello: this.hello, refusal: this.refusal }));
      if (this.deafTo === stream) connection.socket.pause();
      this.streams.push({ stream, hello, connection });
      this.events.notify();
    };
  }
}
