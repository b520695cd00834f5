/**
 * A user-space TCP proxy between the peers of a cluster, with a link per ordered pair of nodes that can be late, lossy,
 * cut or silent. It learns who talks to whom from the hand-shake alone, and must never let a byte pass before it knows.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { FrameReader } from '../../packages/quorate/src/node/transport/frame-reader.js';
import { decodeGreeting, MAX_GREETING_BYTES } from '../../packages/quorate/src/node/transport/greeting.js';
import { MalformedFrame } from '../../packages/quorate/src/node/transport/malformed-frame.js';
import { ProxyFlow } from './proxy-flow.js';
import { ProxyLink } from './proxy-link.js';

const socketOptions = { noDelay: true, allowHalfOpen: true };

export class TcpProxy implements AsyncDisposable {
  /** Connections whose first frame was no greeting. */
  strangers = 0;
  readonly #random: () => number;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #links = new Map<string, ProxyLink>();

  /** `random`: a number in [0, 1), for jitter and loss. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Stands in front of the node that listens, now or later, at `HOST:PORT`; resolves to the address to tell others. */
  async inFrontOf(id: string, target: string): Promise<string> {
    const server = createServer(socketOptions, (socket) => this.#accept(socket, id, target));
    this.#servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** What `from` sends to `to`, over whichever connection. */
  link(from: string, to: string): ProxyLink {
    const name = JSON.stringify([from, to]);
    const link = this.#links.get(name) ?? new ProxyLink(from, to);
    this.#links.set(name, link);
    return link;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#servers.map((server) => once(server, 'close'));
    for (const server of this.#servers) server.close();
    for (const link of this.#links.values()) link.close();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  /** Reads the greeting, and joins the two sides once it is known whose it is. */
  #accept(near: Socket, to: string, target: string): void {
    this.#own(near);
    const reader = new FrameReader(MAX_GREETING_BYTES);
    const read: Buffer[] = [];
    const greeting = (chunk: Buffer) => {
      read.push(chunk);
      reader.push(chunk);
      const from = this.#dialler(reader);
      if (from === 'unknown') return;
      near.off('data', greeting);
      near.off('end', leave);
      if (from === null) near.destroy();
      else this.#join(near, { from: from.id, to, target, read });
    };
    const leave = () => near.destroy();
    near.on('data', greeting);
    near.on('end', leave);
  }

  /** `unknown`: not all of the greeting is there. Null: it is none. */
  #dialler(reader: FrameReader): { readonly id: string } | 'unknown' | null {
    try {
      const frame = reader.next();
      return frame === null ? 'unknown' : decodeGreeting(frame).hello;
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.strangers += 1;
      return null;
    }
  }

  #join(near: Socket, { from, to, target, read }: { from: string; to: string; target: string; read: Buffer[] }): void {
    const random = this.#random;
    const there = this.link(from, to);
    const back = this.link(to, from);
    let far: Socket | null = null;
    let backward: ProxyFlow | null = null;
    const breakConnection = () => {
      forward.stop();
      backward?.stop();
      near.resetAndDestroy();
      far?.resetAndDestroy();
    };
    // Dialled when the first byte may pass: what is held back must not look like a connection to the other side.
    const dial = () => {
      if (far !== null || near.destroyed) return far;
      if (near.readableEnded) {
        // Whoever dialled has given up, or is gone.
        near.destroy();
        return null;
      }
      const [host, port] = target.split(':') as [string, string];
      const socket = connect({ ...socketOptions, host, port: Number(port) });
      far = socket;
      this.#own(socket);
      const flow = new ProxyFlow({ source: socket, sink: () => near, link: back, random, breakConnection });
      backward = flow;
      socket.on('data', (chunk) => flow.write(chunk));
      return far;
    };
    const forward = new ProxyFlow({ source: near, sink: dial, link: there, random, breakConnection });
    near.on('data', (chunk) => forward.write(chunk));
    forward.write(Buffer.concat(read));
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket);
    // A node that is down or killed is what this is made for; the close that follows is passed on.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
