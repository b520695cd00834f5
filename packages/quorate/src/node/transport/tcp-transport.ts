/**
 * The transport of real nodes: TCP, two streams to each peer. What we send goes over connections that we dialled; those
 * that we accepted only bring the peers' messages. No peer, whether stopped, half dead or hostile, may hold up the
 * others, and a round on the control stream must never wait behind a megabyte.
 */
import type { AddressInfo, Server, Socket } from 'node:net';
import { entryBytes, type Message, type NodeId } from '../../core/index.js';
import { invariant, Stopped } from '../../errors/index.js';
import type { Timer } from '../clock.js';
import type { Hello } from '../identity.js';
import type { LogFields } from '../logger.js';
import type { Greeting, StreamName } from './greeting.js';
import { IncomingConnection, type IncomingConnectionOwner } from './incoming-connection.js';
import { type Failure, OutgoingStream, type OutgoingStreamOwner } from './outgoing-stream.js';
import { ReasonLog } from './reason-log.js';
import { listen } from './sockets.js';
import { type TcpTransportOptions, type TcpTransportSettings, tcpTransportSettings } from './tcp-transport-options.js';
import type { Transport, TransportHandler } from './transport.js';

/** Forwarded writes above this go over the bulk stream, with the appends. */
const BULK_BYTES = 16 * 1024;
/** Strangers may knock, but not without end. */
const MAX_ACCEPTED_CONNECTIONS = 1024;
/** Signs of life per silence that ends a connection: some may be late. */
const SIGNS_PER_SILENCE = 4;

type Streams = { readonly [S in StreamName]: OutgoingStream };

type State =
  | { readonly name: 'new' }
  | { readonly name: 'opening'; readonly listening: Promise<Server> }
  | { readonly name: 'open'; readonly server: Server; readonly handler: TransportHandler }
  | { readonly name: 'closed' };

export class TcpTransport implements Transport, OutgoingStreamOwner, IncomingConnectionOwner {
  readonly #settings: TcpTransportSettings;
  readonly #outgoing: ReadonlyMap<NodeId, Streams>;
  /** Every connection that peers or strangers have dialled. */
  readonly #incoming = new Set<IncomingConnection>();
  /** Of those, the one of each peer's stream. */
  readonly #incomingStreams = new Map<string, IncomingConnection>();
  /** Every socket that is not closed yet. */
  readonly #sockets = new Set<Socket>();
  readonly #failures = new ReasonLog();
  readonly #refusals = new ReasonLog();
  readonly #lost = new Set<NodeId>();
  #state: State = { name: 'new' };
  #hello: Hello | null = null;
  #watch: Timer | null = null;

  /** Throws `InvalidArgument`. */
  constructor(options: TcpTransportOptions) {
    const settings = tcpTransportSettings(options);
    this.#settings = settings;
    const peers = Object.keys(settings.peers).filter((peer) => peer !== settings.id);
    this.#outgoing = new Map(
      peers.map((peer) => [
        peer,
        {
          control: new OutgoingStream(peer, 'control', settings, this),
          bulk: new OutgoingStream(peer, 'bulk', settings, this),
        },
      ]),
    );
  }

  /** The port it listens on, once it is open. */
  get port(): number {
    invariant(this.#state.name === 'open', 'a transport that is asked for its port is open');
    return (this.#state.server.address() as AddressInfo).port;
  }

  get hello(): Hello {
    invariant(this.#hello !== null, 'a transport has a hello before it meets anyone');
    return this.#hello;
  }

  async open(hello: Hello, handler: TransportHandler): Promise<void> {
    invariant(this.#state.name === 'new', 'a transport is opened once');
    this.#setHello(hello);
    const listening = listen(this.#settings.listen, (socket) => this.#accept(socket));
    this.#state = { name: 'opening', listening };
    const server = await listening;
    // The state may be another after the wait.
    if ((this.#state as State).name === 'closed') throw new Stopped();
    server.maxConnections = MAX_ACCEPTED_CONNECTIONS;
    server.on('error', (error) =>
      this.#settings.logger.warn({ error: error.message }, 'accepting a connection failed'),
    );
    this.#state = { name: 'open', server, handler };
    this.#watchSilence();
    for (const stream of this.#streams()) stream.restart();
  }

  announce(hello: Hello): void {
    if (this.#state.name !== 'open') return;
    this.#setHello(hello);
    for (const connection of this.#incoming) connection.close();
    for (const stream of this.#streams()) stream.restart();
  }

  send(message: Message): void {
    invariant(message.to !== this.#settings.id, 'a node sends nothing to itself', { type: message.type });
    if (this.#state.name !== 'open') return;
    const streams = this.#outgoing.get(message.to);
    if (streams !== undefined) {
      streams[streamOf(message)].send(message);
    } else if (this.#failures.isNews(message.to, 'no address')) {
      this.#settings.logger.warn(
        { peer: message.to },
        'a peer cannot be reached: its address is not in the list of peers',
      );
    }
  }

  isConnected(peer: NodeId): boolean {
    return this.#outgoing.get(peer)?.control.isEstablished ?? false;
  }

  async close(): Promise<void> {
    const last = this.#state;
    this.#state = { name: 'closed' };
    this.#watch?.cancel();
    for (const stream of this.#streams()) stream.close();
    for (const connection of this.#incoming) connection.close();
    if (last.name === 'opening') {
      await last.listening.then(closeServer, () => {}); // `open` itself rejects with the reason.
    } else if (last.name === 'open') {
      await closeServer(last.server);
    }
    await Promise.all([...this.#sockets].map(closed));
  }

  // What outgoing streams report.

  opened(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** The hello counts from one stream only, so that an older one can never arrive after a newer one. */
  answered(stream: OutgoingStream, hello: Hello): string | null {
    if (stream.name === 'control') this.#handler?.hello(hello);
    return this.#handler === null ? 'it is closing' : this.#handler.accept(hello);
  }

  established(stream: OutgoingStream): void {
    this.#failures.forget(stream.peer);
    this.#settings.logger.info({ peer: stream.peer, stream: stream.name }, 'connected to a peer');
  }

  failed(stream: OutgoingStream, failure: Failure): void {
    if (!this.#failures.isNews(stream.peer, failure.reason)) return;
    const { logger } = this.#settings;
    const fields = { peer: stream.peer, ...stream.address, reason: failure.reason };
    if (failure.kind === 'broken') logger.warn(fields, 'lost the connection to a peer');
    else if (failure.kind === 'unreachable') logger.info(fields, 'cannot reach a peer; trying again');
    else this.#logRefusal(stream.lastHello, fields, 'no messages with a peer; trying again');
  }

  /** Told later, and once for all streams to that peer: the node may be in the midst of sending. */
  lost(peer: NodeId): void {
    if (this.#lost.size === 0) {
      this.#settings.clock.defer(() => {
        const peers = [...this.#lost];
        this.#lost.clear();
        for (const lost of peers) this.#handler?.disconnected(lost);
      });
    }
    this.#lost.add(peer);
  }

  // What accepted connections report.

  greeted({ hello }: Greeting, remote: string): string | null {
    if (this.#handler === null) return 'it is closing';
    const own = hello.id === this.#settings.id;
    const refusal = own ? `${hello.id} is the name of this node itself` : this.#handler.accept(hello);
    this.#peerGreeted(hello, refusal === null);
    const name = `${hello.id} ${hello.incarnation}`;
    if (refusal === null) {
      this.#refusals.forget(name);
    } else if (this.#refusals.isNews(name, refusal)) {
      this.#logRefusal(hello, { remote, peer: hello.id, reason: refusal }, 'refused a connection on the peer port');
    }
    return refusal;
  }

  /** A newer connection of the same stream takes the place of the older one. */
  accepted(connection: IncomingConnection, peer: NodeId, stream: StreamName): void {
    const name = `${stream} ${peer}`;
    const older = this.#incomingStreams.get(name);
    this.#incomingStreams.set(name, connection);
    older?.close();
  }

  message(message: Message): void {
    this.#handler?.message(message);
  }

  get #handler(): TransportHandler | null {
    return this.#state.name === 'open' ? this.#state.handler : null;
  }

  #accept(socket: Socket): void {
    const connection = new IncomingConnection(socket, this.#settings, this);
    this.opened(socket);
    this.#incoming.add(connection);
    socket.once('close', () => {
      this.#incoming.delete(connection);
      for (const [name, current] of this.#incomingStreams) {
        if (current === connection) this.#incomingStreams.delete(name);
      }
    });
  }

  #setHello(hello: Hello): void {
    invariant(hello.id === this.#settings.id, 'a node gives its own name', { id: this.#settings.id, hello: hello.id });
    this.#hello = hello;
  }

  #peerGreeted(hello: Hello, accepted: boolean): void {
    const streams = this.#outgoing.get(hello.id);
    streams?.control.peerGreeted(hello, accepted);
    streams?.bulk.peerGreeted(hello, accepted);
  }

  /** While one of both forms, a refusal is the rule; later it takes a mistake. */
  #logRefusal(peer: Hello | null, fields: LogFields, message: string): void {
    const forming = this.hello.formation === null || peer?.formation === null;
    this.#settings.logger[forming ? 'info' : 'warn'](fields, message);
  }

  *#streams(): Iterable<OutgoingStream> {
    for (const { control, bulk } of this.#outgoing.values()) {
      yield control;
      yield bulk;
    }
  }

  /** Shows life to those who dialled us, and looks for it on our own streams, after the sockets were read. */
  #watchSilence(): void {
    const { clock, silenceTimeoutMs } = this.#settings;
    this.#watch = clock.setTimer(silenceTimeoutMs / SIGNS_PER_SILENCE, () => {
      for (const connection of this.#incoming) connection.showLife();
      clock.defer(() => {
        if (this.#state.name !== 'open') return;
        for (const stream of this.#streams()) stream.checkSilence();
      });
      this.#watchSilence();
    });
  }
}

function streamOf(message: Message): StreamName {
  // Appends are of use in their order only: one that overtook another would be refused, and all be sent again.
  if (message.type === 'append-entries' || message.type === 'snapshot-chunk') return 'bulk';
  if (message.type !== 'propose') return 'control';
  let bytes = 0;
  for (const proposal of message.proposals) bytes += entryBytes(proposal);
  return bytes > BULK_BYTES ? 'bulk' : 'control';
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}
