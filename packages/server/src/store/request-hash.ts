/**
 * The hash by which two requests with the same idempotency key are told apart: over everything that decides what they
 * do. It is in the log, and servers of all versions must make the same one of the same request.
 */
import { createHash } from 'node:crypto';
import type { Change } from './command.js';
import { encodeChange } from './command-codec.js';

/** By which route a change came: the answer to a put is none to a transaction, even where both do the same. */
export type Route = 'put' | 'delete' | 'txn';

const ROUTES: Readonly<Record<Route, number>> = { put: 1, delete: 2, txn: 3 };

/** SHA-256, base64url, over the route (a byte), the term (8 bytes, 0 when the request is not fenced) and the change. */
export function hashRequest(route: Route, change: Change, ifTerm: number | undefined): string {
  const head = Buffer.alloc(9);
  head.writeUInt8(ROUTES[route]);
  head.writeBigUInt64BE(BigInt(ifTerm ?? 0), 1);
  const hash = createHash('sha256').update(head);
  for (const part of encodeChange(change)) hash.update(part);
  return hash.digest('base64url');
}
