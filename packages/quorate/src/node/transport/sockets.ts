/**
 * The one place where sockets are made, so that TLS has one place to go. It must never decide anything: who may talk is
 * the matter of the hand-shake.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Address {
  /** Name or IP address; a name is resolved anew at every attempt. */
  readonly host: string;
  readonly port: number;
}

/** Keep-alive ends idle connections whose other side is gone without a word. */
const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 };

export function dial(address: Address): Socket {
  return connect({ ...address, ...socketOptions });
}

/** Resolves when it listens; rejects with the system error, for instance when the port is taken. */
export function listen(address: Address, accept: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(socketOptions, accept);
    server.once('error', reject);
    server.listen(address.port, address.host, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

/** `host:port` of the other side, for log lines; asked early, for a closed socket no longer knows. */
export function remoteOf(socket: Socket): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
}
