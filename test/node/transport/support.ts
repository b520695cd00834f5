/**
 * What the tests of the TCP transport stand on: real loopback sockets, a link that can be cut, stalled and pointed elsewhere, a
 * peer made of raw bytes, and waiting for conditions. Nothing here sleeps.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Message } from '../../../packages/quorate/src/core/index.js';
import { type Clock, systemClock, type Timer } from '../../../packages/quorate/src/node/clock.js';
import { acceptPeer } from '../../../packages/quorate/src/node/formation.js';
import type { Hello } from '../../../packages/quorate/src/node/identity.js';
import type { LogFields, Logger } from '../../../packages/quorate/src/node/logger.js';
import { ByteWriter } from '../../../packages/quorate/src/node/transport/byte-writer.js';
import { decodeMessage, encodeMessage } from '../../../packages/quorate/src/node/transport/codec.js';
import { FrameReader } from '../../../packages/quorate/src/node/transport/frame-reader.js';
import {
  decodeAnswer,
  decodeGreeting,
  encodeAnswer,
  encodeGreeting,
  type GreetingAnswer,
  type StreamName,
} from '../../../packages/quorate/src/node/transport/greeting.js';
import type { Address } from '../../../packages/quorate/src/node/transport/sockets.js';
import { TcpTransport } from '../../../packages/quorate/src/node/transport/tcp-transport.js';
import type { TcpTransportOptions } from '../../../packages/quorate/src/node/transport/tcp-transport-options.js';
import type { TransportHandler } from '../../../packages/quorate/src/node/transport/transport.js';
import { helloOf } from './fixtures.js';

const LOOPBACK = '127.0.0.1';
const RAW_FRAME_LIMIT = 64 * 1024 * 1024;

/** Lets the tests wait for a condition: `notify` after every event, `until` settles once the condition holds. */
export class Events {
  #waiting: { condition: () => boolean; resolve: () => void }[] = [];

  notify(): void {
    const holds = this.#waiting.filter(({ condition }) => condition());
    this.#waiting = this.#waiting.filter((waiter) => !holds.includes(waiter));
    for (const { resolve } of holds) resolve();
  }

  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ condition, resolve }));
  }
}

export interface LogLine {
  readonly level: keyof Logger;
  readonly fields: LogFields;
  readonly message: string;
}

/** Time stands still until the test moves it; turns of the loop are real. Counts the timers that are left. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<{ atMs: number; callback: () => void }>();

  get pendingTimers(): number {
    return this.#timers.size;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  advance(byMs: number): void {
    this.#nowMs += byMs;
    for (const timer of [...this.#timers].sort((a, b) => a.atMs - b.atMs)) {
      if (timer.atMs <= this.#nowMs && this.#timers.delete(timer)) timer.callback();
    }
  }
}

/** A transport with a handler that writes down everything, and formed hellos unless told otherwise. */
export class TestNode implements TransportHandler {
  readonly transport: TcpTransport;
  readonly events = new Events();
  readonly messages: Message[] = [];
  readonly hellos: Hello[] = [];
  readonly disconnections: string[] = [];
  readonly log: LogLine[] = [];
  own: Hello;
  onMessage: (message: Message) => void = () => {};
  onHello: (hello: Hello) => void = () => {};

  constructor(id: string, peers: Record<string, Address>, options: Partial<TcpTransportOptions> = {}) {
    this.own = helloOf(id);
    this.transport = new TcpTransport({
      id,
      listen: { host: LOOPBACK, port: 0 },
      peers,
      clock: systemClock,
      random: () => 0.5,
      logger: this.#logger(),
      ...options,
    });
  }

  async open(hello = this.own): Promise<this> {
    this.own = hello;
    await this.transport.open(hello, this);
    return this;
  }

  get address(): Address {
    return { host: LOOPBACK, port: this.transport.port };
  }

  accept(hello: Hello): string | null {
    return acceptPeer(this.own, hello);
  }

  hello(hello: Hello): void {
    this.hellos.push(hello);
    this.onHello(hello);
    this.events.notify();
  }

  message(message: Message): void {
    this.messages.push(message);
    this.onMessage(message);
    this.events.notify();
  }

  disconnected(peer: string): void {
    this.disconnections.push(peer);
    this.events.notify();
  }

  until(condition: () => boolean): Promise<void> {
    return this.events.until(condition);
  }

  connected(...peers: string[]): Promise<void> {
    const line = (peer: string, stream: StreamName) =>
      this.log.findLastIndex(({ fields }) => fields.peer === peer && fields.stream === stream) >
      this.log.findLastIndex(({ message, fields }) => fields.peer === peer && message.startsWith('lost'));
    return this.until(() => peers.every((peer) => line(peer, 'control') && line(peer, 'bulk')));
  }

  lines(level: keyof Logger): LogLine[] {
    return this.log.filter((line) => line.level === level);
  }

  #logger(): Logger {
    const at = (level: keyof Logger) => (fields: LogFields, message: string) => {
      this.log.push({ level, fields, message });
      this.events.notify();
    };
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }
}

async function listening(server: Server): Promise<Address> {
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  return { host: LOOPBACK, port: (server.address() as AddressInfo).port };
}

/** A connection seen as raw bytes, with the frames that came in cut out. */
export class RawConnection {
  readonly events = new Events();
  readonly frames: Buffer[] = [];
  closed = false;
  onFrame: (frame: Buffer, place: number) => void = () => {};
  readonly socket: Socket;
  readonly #reader = new FrameReader(RAW_FRAME_LIMIT);

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

/** What stands between two nodes: an address that stays, and a target that may change or be missing. */
export class Link {
  target: Address | null = null;
  readonly pairs: { near: Socket; far: Socket }[] = [];
  readonly #server = createServer((near) => this.#join(near));

  static async open(): Promise<{ link: Link; address: Address }> {
    const link = new Link();
    return { link, address: await listening(link.#server) };
  }

  /** Breaks every connection. */
  cut(): void {
    for (const { near, far } of this.pairs.splice(0)) {
      near.destroy();
      far.destroy();
    }
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    const ends = this.pairs.flatMap(({ near, far }) => [near, far]).filter((socket) => !socket.closed);
    const ended = Promise.all(ends.map((socket) => once(socket, 'close')));
    this.cut();
    await Promise.all([closed, ended]);
  }

  #join(near: Socket): void {
    if (this.target === null) {
      near.destroy();
      return;
    }
    const far = connect(this.target.port, this.target.host);
    this.pairs.push({ near, far });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => {});
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  }
}

/** Resolves after so many turns of the loop: what was on its way in this process has arrived. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
