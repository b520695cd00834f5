/**
 * The hash by which two requests with the same idempotency key are told apart: over everything that decides what they
 * do. It is in the log, and servers of all versions must make the same one of the same request.
 */
import { createHash } from 'node:crypto';
import type { Transaction } from './command.js';
import { encodeTransaction } from './command-codec.js';

/** By which route a write came: the answer to a put is none to a transaction, even where both do the same. */
export type Route = 'put' | 'delete' | 'txn';

const ROUTES: Readonly<Record<Route, number>> = { put: 1, delete: 2, txn: 3 };

/** SHA-256, base64url, over the route (a byte), the term (8 bytes, 0 for a request without a fence) and the rest. */
export function hashRequest(route: Route, transaction: Transaction, ifTerm: number | undefined): string {
  const head = Buffer.alloc(9);
  head.writeUInt8(ROUTES[route]);
  head.writeBigUInt64BE(BigInt(ifTerm ?? 0), 1);
  const hash = createHash('sha256').update(head);
  for (const part of encodeTransaction(transaction)) hash.update(part);
  return hash.digest('base64url');
}
