/**
 * The seam between a node and the network: the simulator replaces it. A transport may lose, delay, duplicate and
 * reorder messages (the core allows for it), but it must never deliver one from a peer that `accept` refused, nor wait
 * in `send`.
 */
import type { Message, NodeId } from '../../core/index.js';
import type { Hello } from '../identity.js';

export interface TransportHandler {
  /**
   * Says why messages with the node behind this hello may not be exchanged (yet), or null when they may. Asked on both
   * sides.
   */
  accept(hello: Hello): string | null;
  /**
   * The node at a peer's address has said who it is, in the order in which it said so; called for refused ones, too,
   * and before `accept`. Who merely calls in under a peer's name is not reported: it may be anybody.
   */
  hello(hello: Hello): void;
  message(message: Message): void;
  /** Messages to this peer may have been lost: its connection broke, or its queue overflowed. */
  disconnected(peer: NodeId): void;
}

export interface Transport {
  /** Starts to listen and to connect. `hello` is what this node says of itself. Rejects when the port is taken. */
  open(hello: Hello, handler: TransportHandler): Promise<void>;
  /** Replaces what this node says of itself, and shakes hands anew with every peer. */
  announce(hello: Hello): void;
  /** Queues the message for its `to`; never blocks. Drops it, and reports `disconnected`, when the queue is full. */
  send(message: Message): void;
  /** Whether messages can go to this peer now, as far as this side can tell. For people; nothing may depend on it. */
  isConnected(peer: NodeId): boolean;
  /** Ends every connection and timer. Nothing is reported to the handler any more. */
  close(): Promise<void>;
}
