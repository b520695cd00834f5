/**
 * Servers on a port of the system's choice, on loopback. No test may name a port of its own.
 */
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import type { Address } from '../../../packages/quorate/src/node/transport/sockets.js';

export const LOOPBACK = '127.0.0.1';

export async function listening(server: Server): Promise<Address> {
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  return { host: LOOPBACK, port: (server.address() as AddressInfo).port };
}
