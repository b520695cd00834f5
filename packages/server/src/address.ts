/** `HOST:PORT` as people write it, `[::1]:4001` included. It resolves nothing and must never guess a port. */
import { InvalidArgument } from 'quorate/errors';

export interface Address {
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  /** 0 means: any that is free. */
  readonly port: number;
}

/** Throws InvalidArgument, naming `field`. */
export function parseAddress(text: string, field: string): Address {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || !(port <= 65_535)) {
    throw new InvalidArgument({ field, expected: 'HOST:PORT, for instance 127.0.0.1:4001', received: text });
  }
  return { host, port };
}

/** True for addresses that say "all interfaces": nobody can connect to them by that name. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
