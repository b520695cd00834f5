/**
 * The seam between a node and the network: the simulator replaces it. A transport may lose, delay, duplicate and reorder
 * messages (the core allows for it), but it must never deliver one from a peer that `accept` refused, nor wait in `send`.
 */
import type { Message, NodeId } from '../../core/index.js';
import type { Hello } from '../identity.js';

export interface TransportHandler {
  /** Says why messages with the node behind this hello may not be exchanged (yet), or null when they may. Asked on both sides. */
  accept(hello: Hello): string | null;
  /** A peer has said who it is; called for refused ones, too. */
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
  /** Ends every connection and timer. */
  close(): Promise<void>;
}
