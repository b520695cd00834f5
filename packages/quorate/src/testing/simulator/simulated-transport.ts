/**
 * The transport of one simulated process: connections that are made with a hand-shake and break, over the links of the
 * world's network. Messages go through the real codec. It must never deliver to a process that has closed it, nor tell
 * a node anything while its process cannot run.
 */
import type { Message, NodeId } from '../../core/index.js';
import type { Hello } from '../../node/index.js';
import { ByteWriter } from '../../node/transport/byte-writer.js';
import { decodeMessage, encodeMessage } from '../../node/transport/codec.js';
import type { Transport, TransportHandler } from '../../node/transport/transport.js';
import type { EventQueue } from './event-queue.js';
import type { Network } from './network.js';
import type { Prng } from './prng.js';
import type { SimulatedProcess } from './simulated-process.js';

export interface SimulatedTransportOptions {
  readonly id: NodeId;
  readonly peers: readonly NodeId[];
  readonly process: SimulatedProcess;
  readonly queue: EventQueue;
  readonly network: Network;
  readonly prng: Prng;
  /** The open transports of the world, one for each node at most. */
  readonly open: Map<NodeId, SimulatedTransport>;
  readonly sent: (message: Message) => void;
}

type Connection = 'connected' | 'connecting' | 'waiting';

/** How long a node waits before it tries a peer again, ms. */
const RECONNECT_MS = { min: 5, max: 150 } as const;

export class SimulatedTransport implements Transport {
  readonly #options: SimulatedTransportOptions;
  readonly #connections = new Map<NodeId, Connection>();
  /** Grows with each attempt of any peer: an older one has no say. */
  readonly #attempts = new Map<NodeId, number>();
  #state: { readonly hello: Hello; readonly handler: TransportHandler } | null = null;

  constructor(options: SimulatedTransportOptions) {
    this.#options = options;
  }

  async open(hello: Hello, handler: TransportHandler): Promise<void> {
    const { id, peers, open } = this.#options;
    this.#state = { hello, handler };
    open.set(id, this);
    for (const peer of peers) if (peer !== id) this.#reconnect(peer);
  }

  announce(hello: Hello): void {
    if (this.#state === null) return;
    this.#state = { ...this.#state, hello };
    for (const peer of this.#connections.keys()) this.#reconnect(peer);
  }

  send(message: Message): void {
    const { sent, network, process } = this.#options;
    if (this.#state === null || process.state === 'dead') return;
    sent(message);
    if (!this.isConnected(message.to)) return;
    const writer = new ByteWriter(128);
    encodeMessage(writer, message);
    network.send(decodeMessage(writer.take()));
  }

  isConnected(peer: NodeId): boolean {
    return this.#connections.get(peer) === 'connected';
  }

  async close(): Promise<void> {
    const { id, open } = this.#options;
    this.#state = null;
    if (open.get(id) === this) open.delete(id);
    for (const other of open.values()) other.lost(id);
  }

  /** The process has died: the system closes its sockets. */
  abandon(): void {
    void this.close();
  }

  /** The network hands over a message. */
  deliver(message: Message): void {
    this.#options.process.input(message.from, () => this.#state?.handler.message(message));
  }

  /** The connection to the peer has broken. */
  lost(peer: NodeId): void {
    if (this.#state === null || !this.#connections.has(peer)) return;
    const wasConnected = this.isConnected(peer);
    this.#reconnect(peer);
    if (wasConnected) this.#options.process.input(peer, () => this.#state?.handler.disconnected(peer));
  }

  #reconnect(peer: NodeId): void {
    const { queue, prng } = this.#options;
    const attempt = (this.#attempts.get(peer) ?? 0) + 1;
    this.#attempts.set(peer, attempt);
    this.#connections.set(peer, 'waiting');
    queue.schedule(prng.between(RECONNECT_MS.min, RECONNECT_MS.max), () => {
      if (this.#attempts.get(peer) === attempt) this.#shakeHands(peer, attempt);
    });
  }

  /** Both sides are asked, each in its own process, as the hellos arrive there. */
  #shakeHands(peer: NodeId, attempt: number): void {
    const { id, network, open, process } = this.#options;
    if (this.#state === null) return;
    const target = open.get(peer);
    if (target === undefined || network.isCut(id, peer) || network.isCut(peer, id)) {
      this.#reconnect(peer);
      return;
    }
    this.#connections.set(peer, 'connecting');
    const { hello } = this.#state;
    network.travel(() =>
      target.#options.process.input(id, () => {
        const answer = target.#state;
        if (answer === null) return;
        const refusal = answer.handler.accept(hello);
        network.travel(() => process.input(peer, () => this.#greeted(peer, attempt, answer.hello, refusal)));
      }),
    );
  }

  #greeted(peer: NodeId, attempt: number, hello: Hello, refusal: string | null): void {
    if (this.#state === null || this.#attempts.get(peer) !== attempt) return;
    const { handler } = this.#state;
    handler.hello(hello);
    // The hello may have completed the formation, and that announces anew.
    if (this.#state === null || this.#attempts.get(peer) !== attempt) return;
    if (refusal === null && handler.accept(hello) === null) this.#connections.set(peer, 'connected');
    else this.#reconnect(peer);
  }
}
