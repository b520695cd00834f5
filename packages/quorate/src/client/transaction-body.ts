/**
 * A transaction as the body of `POST /v1/txn`. Values go as base64 whatever they are, so that none can be changed on
 * the way; a key that UTF-8 cannot hold must never be sent as another one.
 */
import type { Operation, Transaction } from './options.js';
import { checkKey } from './paths.js';

/** Throws InvalidArgument for a key with a lone surrogate. All else is checked by the server. */
export function transactionBody({ conditions = [], operations }: Transaction): Uint8Array {
  const body = {
    conditions: conditions.map(({ key, version }, at) => ({ key: checkKey(key, `conditions[${at}].key`), version })),
    operations: operations.map((operation, at) => encode(operation, `operations[${at}]`)),
  };
  return Buffer.from(JSON.stringify(body));
}

function encode(operation: Operation, field: string): object {
  if ('delete' in operation) return { delete: { key: checkKey(operation.delete.key, `${field}.delete.key`) } };
  const { key, value } = operation.put;
  const bytes = Buffer.from(typeof value === 'string' ? Buffer.from(value) : value);
  return { put: { key: checkKey(key, `${field}.put.key`), valueBase64: bytes.toString('base64') } };
}
