/**
 * One connection that a peer has dialled: it only brings the peer's messages to us; what we say to the peer goes over a
 * stream of our own. Whatever is wrong with it ends it, with one line in the log. It must never deliver a message that
 * is not from the peer of the hand-shake to this node, nor work through more than a bounded amount in one turn of the
 * loop.
 *
 *   greeting -> established -> closed        greeting: until its hello is there
 *           \-> refused ----/                refused: our answer is on its way, nothing more is read
 */
import type { Socket } from 'node:net';
import type { Message, NodeId } from '../../core/index.js';
import { unreachable } from '../../errors/index.js';
import type { Timer } from '../clock.js';
import type { Hello } from '../identity.js';
import { decodeMessage } from './codec.js';
import { setDeadline } from './deadline.js';
import { FrameReader } from './frame-reader.js';
import { decodeGreeting, encodeAnswer, type Greeting, MAX_GREETING_BYTES, type StreamName } from './greeting.js';
import { MalformedFrame, VersionMismatch } from './malformed-frame.js';
import { remoteOf } from './sockets.js';
import type { TcpTransportSettings } from './tcp-transport-options.js';

/** The transport, as its accepted connections see it. */
export interface IncomingConnectionOwner {
  /** What this node says of itself. */
  readonly hello: Hello;
  /** Says why the node behind this greeting is refused, or null. */
  greeted(greeting: Greeting, remote: string): string | null;
  /** The hand-shake is complete. */
  accepted(connection: IncomingConnection, peer: NodeId, stream: StreamName): void;
  message(message: Message): void;
}

type State =
  | { readonly name: 'greeting'; readonly deadline: Timer }
  | { readonly name: 'refused'; readonly deadline: Timer }
  | { readonly name: 'established'; readonly peer: NodeId }
  | { readonly name: 'closed' };

/** What is worked through in one turn of the loop, counted in bytes; a message counts for a share of its own. */
const WORK_PER_TURN = 256 * 1024;
const WORK_PER_MESSAGE = 256;

/** An empty frame: the sign of life on a connection that has nothing else to say. */
const SIGN_OF_LIFE = Buffer.alloc(4);

export class IncomingConnection {
  /** `host:port` of the other side. */
  readonly remote: string;
  readonly #socket: Socket;
  readonly #settings: TcpTransportSettings;
  readonly #owner: IncomingConnectionOwner;
  readonly #reader = new FrameReader(MAX_GREETING_BYTES);
  #state: State;
  #workThisTurn = 0;

  constructor(socket: Socket, settings: TcpTransportSettings, owner: IncomingConnectionOwner) {
    this.remote = remoteOf(socket);
    this.#socket = socket;
    this.#settings = settings;
    this.#owner = owner;
    const timeoutMs = settings.handshakeTimeoutMs;
    const deadline = setDeadline(settings.clock, timeoutMs, () => {
      if (this.#state.name === 'refused') this.close();
      else this.#drop(`no greeting within ${timeoutMs} ms`);
    });
    this.#state = { name: 'greeting', deadline };
    socket.on('data', (chunk) => this.#read(chunk));
    // A connection that ends is no news: our own streams tell whether the peer is up.
    socket.on('error', () => this.close());
    socket.on('close', () => this.close());
  }

  /** Ends it without a word. */
  close(): void {
    this.#become({ name: 'closed' });
  }

  /** Tells the peer that this process lives. Nothing while the last sign is not sent: the peer is not reading. */
  showLife(): void {
    if (this.#state.name === 'established' && this.#socket.writableLength === 0) this.#socket.write(SIGN_OF_LIFE);
  }

  #read(chunk: Buffer): void {
    if (this.#state.name === 'refused' || this.#state.name === 'closed') return;
    this.#reader.push(chunk);
    this.#work();
  }

  /** Handles the frames that are there, as many as one turn may take; the rest follows in the next turn. */
  #work(): void {
    try {
      while (this.#state.name === 'greeting' || this.#state.name === 'established') {
        if (this.#workThisTurn >= WORK_PER_TURN) {
          this.#socket.pause();
          return;
        }
        const frame = this.#reader.next();
        if (frame === null) break;
        this.#countWork(WORK_PER_MESSAGE + frame.length);
        this.#frame(frame);
      }
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.#drop(error.message);
      return;
    }
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  #countWork(work: number): void {
    if (this.#workThisTurn === 0) {
      this.#settings.clock.defer(() => {
        this.#workThisTurn = 0;
        if (this.#socket.isPaused()) this.#work();
      });
    }
    this.#workThisTurn += work;
  }

  #frame(frame: Buffer): void {
    const state = this.#state;
    switch (state.name) {
      case 'greeting':
        this.#greeted(frame);
        return;
      case 'established':
        this.#message(frame, state.peer);
        return;
      case 'refused':
      case 'closed':
        return;
      default:
        unreachable(state);
    }
  }

  #greeted(frame: Buffer): void {
    let greeting: Greeting;
    try {
      greeting = decodeGreeting(frame);
    } catch (error) {
      // A node of another version reads at least the version of our answer, and can say so in its own log.
      if (!(error instanceof VersionMismatch)) throw error;
      this.#log(error.message);
      this.#refuse(error.message);
      return;
    }
    const refusal = this.#owner.greeted(greeting, this.remote);
    if (this.#state.name !== 'greeting') return;
    if (refusal !== null) {
      this.#refuse(refusal);
      return;
    }
    this.#reader.limit(this.#settings.maxFrameBytes);
    this.#socket.write(encodeAnswer({ hello: this.#owner.hello, refusal: null }));
    this.#become({ name: 'established', peer: greeting.hello.id });
    this.#owner.accepted(this, greeting.hello.id, greeting.stream);
  }

  #message(frame: Buffer, peer: NodeId): void {
    const message = decodeMessage(frame);
    if (message.from !== peer) throw new MalformedFrame(`${peer} sent a message in the name of ${message.from}`);
    if (message.to !== this.#settings.id) throw new MalformedFrame(`a message for ${message.to} came to this node`);
    this.#owner.message(message);
  }

  #refuse(reason: string): void {
    if (this.#state.name !== 'greeting') return;
    this.#become({ name: 'refused', deadline: this.#state.deadline });
    this.#socket.end(encodeAnswer({ hello: this.#owner.hello, refusal: reason }));
  }

  #drop(reason: string): void {
    if (this.#state.name === 'closed') return;
    this.#log(reason);
    this.close();
  }

  #log(reason: string): void {
    const peer = this.#state.name === 'established' ? this.#state.peer : null;
    this.#settings.logger.warn({ remote: this.remote, peer, reason }, 'dropped a connection on the peer port');
  }

  /** The one place where the state changes. */
  #become(next: State): void {
    const last = this.#state;
    this.#state = next;
    const deadline = 'deadline' in last ? last.deadline : null;
    if (deadline !== null && !('deadline' in next && next.deadline === deadline)) deadline.cancel();
    if (next.name === 'closed' && last.name !== 'closed') this.#socket.destroy();
  }
}
