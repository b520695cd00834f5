/** How addresses are written: `host:port`, IPv6 hosts in brackets. Nothing here resolves names. */
import { InvalidArgument } from '../../errors/index.js';
import type { Address } from '../../node/index.js';

/** Throws InvalidArgument that names `field`. Port 0 is allowed where the system may choose. */
export function parseAddress(field: string, text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new InvalidArgument({ field, expected: 'HOST:PORT', received: text });
  }
  return { host: (match[1] ?? match[2]) as string, port };
}
