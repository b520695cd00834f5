/**
 * One stream to one peer, as long as the transport lives: it dials, shakes hands, sends, and dials again. What is sent
 * while it is not established is dropped at once; it must never wait in `send`, nor hold up another stream.
 *
 *   idle -> greeting -> established        greeting: dialled, until the answer to our greeting is there
 *              ^  |          |
 *              |  v          |             waiting: a pause with jitter after each failure
 *            waiting <-------+
 */
import type { Socket } from 'node:net';
import type { Message, NodeId } from '../../core/index.js';
import { unreachable } from '../../errors/index.js';
import type { Timer } from '../clock.js';
import type { Hello } from '../identity.js';
import { setDeadline } from './deadline.js';
import { FrameQueue } from './frame-queue.js';
import { FrameReader } from './frame-reader.js';
import { decodeAnswer, encodeGreeting, MAX_GREETING_BYTES, type StreamName } from './greeting.js';
import { MalformedFrame } from './malformed-frame.js';
import { type Address, dial } from './sockets.js';
import type { TcpTransportSettings } from './tcp-transport-options.js';

/** The transport, as its streams see it. */
export interface OutgoingStreamOwner {
  /** What this node says of itself. */
  readonly hello: Hello;
  /** The node at the peer's address has answered. Says why no messages may go to it, or null. */
  answered(stream: OutgoingStream, hello: Hello): string | null;
  established(stream: OutgoingStream): void;
  /** Messages may have been lost. */
  lost(peer: NodeId): void;
  /** There is no connection, or no longer, and this is why. */
  failed(stream: OutgoingStream, failure: Failure): void;
  opened(socket: Socket): void;
}

/**
 * `broken`: it was established. `refused`: one side does not want the other. `unreachable`: no hand-shake took place.
 */
export interface Failure {
  readonly kind: 'broken' | 'refused' | 'unreachable';
  readonly reason: string;
}

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'waiting'; readonly timer: Timer }
  | { readonly name: 'greeting'; readonly socket: Socket; readonly reader: FrameReader; readonly deadline: Timer }
  | {
      readonly name: 'established';
      readonly socket: Socket;
      readonly reader: FrameReader;
      readonly queue: FrameQueue;
      readonly hello: Hello;
      readonly sinceMs: number;
    };

const CLOSED = 'the peer closed the connection';

export class OutgoingStream {
  readonly peer: NodeId;
  readonly name: StreamName;
  readonly address: Address;
  readonly #settings: TcpTransportSettings;
  readonly #owner: OutgoingStreamOwner;
  #state: State = { name: 'idle' };
  /** Failed attempts in a row; a connection that broke at once counts as one. */
  #failures = 0;
  /** When the peer last showed a sign of life. */
  #heardMs = 0;
  #lastHello: Hello | null = null;
  /** A loss is reported once until the stream is established again. */
  #lossReported = false;
  #oversizedReported = false;

  constructor(peer: NodeId, name: StreamName, settings: TcpTransportSettings, owner: OutgoingStreamOwner) {
    const address = settings.peers[peer];
    if (address === undefined) throw new RangeError(`no address for ${peer}`);
    this.peer = peer;
    this.name = name;
    this.address = address;
    this.#settings = settings;
    this.#owner = owner;
  }

  /** What the node at the address said last, whether it was accepted or not. */
  get lastHello(): Hello | null {
    return this.#lastHello;
  }

  get isEstablished(): boolean {
    return this.#state.name === 'established';
  }

  /** Connects, or connects anew when it is connected: the hello has changed. */
  restart(): void {
    if (this.#state.name === 'established') this.#reportLoss();
    this.#failures = 0;
    this.#dial();
  }

  close(): void {
    if (this.#state.name === 'established') this.#state.queue.flush();
    this.#become({ name: 'idle' });
  }

  send(message: Message): void {
    const state = this.#state;
    if (state.name !== 'established') {
      this.#reportLoss();
      return;
    }
    const queued = state.queue.push(message);
    switch (queued) {
      case 'queued':
      case 'dropped':
        return;
      case 'overflowed':
        this.#settings.logger.warn({ peer: this.peer, stream: this.name }, 'the queue of messages to a peer is full');
        this.#owner.lost(this.peer);
        return;
      case 'oversized':
        this.#reportOversized(message);
        return;
      default:
        unreachable(queued);
    }
  }

  /**
   * The peer has dialled us, so it is up. Dials at once if it has changed since it answered us last: not on every
   * greeting, or two nodes that refuse each other would dial without a pause. `accepted`: its hello, a lie perhaps,
   * passed as a member's.
   */
  peerGreeted(hello: Hello, accepted: boolean): void {
    const state = this.#state;
    if (state.name === 'waiting') {
      if (this.#lastHello === null || !sameProcess(this.#lastHello, hello)) this.#dial();
    } else if (state.name === 'established' && accepted && state.hello.bootId !== hello.bootId) {
      this.#fail(state.socket, 'broken', 'the peer was started anew');
    }
  }

  /**
   * Breaks a connection whose other side has been silent for too long. Called now and then, after sockets were read.
   */
  checkSilence(): void {
    const state = this.#state;
    if (state.name !== 'established') return;
    const silentMs = this.#settings.clock.monotonicMs() - this.#heardMs;
    if (silentMs < this.#settings.silenceTimeoutMs) return;
    this.#fail(state.socket, 'broken', `the peer was silent for ${this.#settings.silenceTimeoutMs} ms`);
  }

  #dial(): void {
    const socket = dial(this.address);
    let reason = CLOSED;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reason = reasonOf(error);
    });
    socket.on('close', () => this.#fail(socket, 'unreachable', reason));
    socket.on('data', (chunk) => this.#read(socket, chunk));
    socket.write(encodeGreeting({ stream: this.name, hello: this.#owner.hello }));
    const timeoutMs = this.#settings.handshakeTimeoutMs;
    const deadline = setDeadline(this.#settings.clock, timeoutMs, () => {
      this.#fail(socket, 'unreachable', `no answer within ${timeoutMs} ms`);
    });
    this.#become({ name: 'greeting', socket, reader: new FrameReader(MAX_GREETING_BYTES), deadline });
    this.#owner.opened(socket);
  }

  #read(socket: Socket, chunk: Buffer): void {
    const state = this.#stateOf(socket);
    if (state === null) return;
    this.#heardMs = this.#settings.clock.monotonicMs();
    const { reader } = state;
    try {
      reader.push(chunk);
      for (let frame = reader.next(); frame !== null; frame = reader.next()) {
        const now = this.#stateOf(socket);
        if (now === null) return;
        if (now.name === 'greeting') this.#answered(socket, frame);
        else if (frame.length > 0) throw new MalformedFrame('it sends messages on a connection that is ours');
      }
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.#fail(socket, 'refused', error.message);
    }
  }

  #answered(socket: Socket, frame: Buffer): void {
    const { hello, refusal } = decodeAnswer(frame);
    if (hello.id !== this.peer) throw new MalformedFrame(`the node there is ${hello.id}`);
    this.#lastHello = hello;
    const objection = this.#owner.answered(this, hello);
    // The owner may have closed the transport, or changed its hello, because of this very answer.
    const state = this.#stateOf(socket);
    if (state === null) return;
    const reason = refusal ?? objection;
    if (reason !== null) {
      this.#fail(socket, 'refused', reason);
      return;
    }
    const { clock } = this.#settings;
    this.#lossReported = false;
    this.#become({
      name: 'established',
      socket,
      reader: state.reader,
      queue: new FrameQueue(socket, clock, this.#settings),
      hello,
      sinceMs: clock.monotonicMs(),
    });
    this.#owner.established(this);
  }

  /** Ends this connection, and dials again: at once if it had lasted, otherwise after a pause. */
  #fail(socket: Socket, kind: Failure['kind'], reason: string): void {
    const state = this.#stateOf(socket);
    if (state === null) return;
    const wasEstablished = state.name === 'established';
    const { clock, random, reconnectMinMs, reconnectMaxMs } = this.#settings;
    const lasted = state.name === 'established' && clock.monotonicMs() - state.sinceMs >= reconnectMaxMs;
    if (wasEstablished) this.#reportLoss();
    this.#owner.failed(this, { kind: wasEstablished ? 'broken' : kind, reason });
    if (lasted) {
      this.#failures = 0;
      this.#dial();
      return;
    }
    const pauseMs = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** Math.min(this.#failures, 30)) * (0.5 + random() / 2);
    this.#failures += 1;
    this.#become({ name: 'waiting', timer: clock.setTimer(pauseMs, () => this.#dial()) });
  }

  /** Raft will try again and again; one line says it. */
  #reportOversized(message: Message): void {
    this.#owner.lost(this.peer);
    if (this.#oversizedReported) return;
    this.#oversizedReported = true;
    const { maxFrameBytes } = this.#settings;
    const fields = { peer: this.peer, type: message.type, maxFrameBytes };
    this.#settings.logger.error(fields, 'a message is longer than a frame may be and cannot be sent');
  }

  #reportLoss(): void {
    if (this.#lossReported) return;
    this.#lossReported = true;
    this.#owner.lost(this.peer);
  }

  /** Null for the late events of a socket that this stream has given up. */
  #stateOf(socket: Socket): Extract<State, { socket: Socket }> | null {
    return 'socket' in this.#state && this.#state.socket === socket ? this.#state : null;
  }

  /** The one place where the state changes; what the last one held ends with it. */
  #become(next: State): void {
    const last = this.#state;
    this.#state = next;
    switch (last.name) {
      case 'idle':
        break;
      case 'waiting':
        last.timer.cancel();
        break;
      case 'greeting':
        last.deadline.cancel();
        if (next.name !== 'established') last.socket.destroy();
        break;
      case 'established':
        last.socket.destroy();
        break;
      default:
        unreachable(last);
    }
  }
}

/** Which of several errors a close gives is chance; a log that repeats only what is new must not depend on it. */
function reasonOf(error: NodeJS.ErrnoException): string {
  const { code = error.message } = error;
  return code === 'ECONNRESET' || code === 'EPIPE' ? CLOSED : code;
}

/** Whether two hellos come from one start of one node, with nothing new to say. */
function sameProcess(a: Hello, b: Hello): boolean {
  return a.bootId === b.bootId && a.incarnation === b.incarnation && a.formation?.clusterId === b.formation?.clusterId;
}
