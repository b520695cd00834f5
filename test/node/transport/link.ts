/**
 * What stands between two nodes: an address that stays while the node behind it changes, is missing, or is cut off. It
 * must never change a byte.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Address } from '../../../packages/quorate/src/node/transport/sockets.js';
import { listening } from './loopback.js';

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
