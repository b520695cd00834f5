/**
 * A real transport with a handler that writes everything down. It accepts as a formed node does and must never hide a
 * report.
 */
import type { Message } from '../../../packages/quorate/src/core/index.js';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { acceptPeer } from '../../../packages/quorate/src/node/formation.js';
import type { Hello } from '../../../packages/quorate/src/node/identity.js';
import type { LogFields, Logger } from '../../../packages/quorate/src/node/logger.js';
import type { StreamName } from '../../../packages/quorate/src/node/transport/greeting.js';
import type { Address } from '../../../packages/quorate/src/node/transport/sockets.js';
import { TcpTransport } from '../../../packages/quorate/src/node/transport/tcp-transport.js';
import type { TcpTransportOptions } from '../../../packages/quorate/src/node/transport/tcp-transport-options.js';
import type { TransportHandler } from '../../../packages/quorate/src/node/transport/transport.js';
import { Events } from './events.js';
import { helloOf } from './fixtures.js';
import { LOOPBACK } from './loopback.js';

export interface LogLine {
  readonly level: keyof Logger;
  readonly fields: LogFields;
  readonly message: string;
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
