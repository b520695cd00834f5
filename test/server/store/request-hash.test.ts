/** The hash of a request: the same for the same request for ever, another one for any other. */
import { expect, test } from 'vitest';
import type { Transaction } from '../../../packages/server/src/store/command.js';
import { hashRequest } from '../../../packages/server/src/store/request-hash.js';

const put = (key: string, value: string, conditions: Transaction['conditions'] = []): Transaction => {
  return { conditions, operations: [{ put: { key, value: Buffer.from(value) } }] };
};

test('the hash of a request is this, and stays so whatever version of the server makes it', () => {
  expect(hashRequest('put', put('k', 'v', [{ key: 'k', version: 7 }]), 3)).toBe(
    's0-NyZmvlfsa8fn2BeagvjMp_zIAXyMQPx_7f5YpJDc',
  );
});

test('everything that decides what a request does decides its hash', () => {
  const two: Transaction = { conditions: [], operations: [...put('a', '1').operations, ...put('b', '2').operations] };
  const hashes = [
    hashRequest('put', put('k', 'v'), undefined),
    hashRequest('txn', put('k', 'v'), undefined),
    hashRequest('put', put('k', 'v'), 3),
    hashRequest('put', put('k', 'w'), undefined),
    hashRequest('put', put('kv', ''), undefined),
    hashRequest('put', put('k', 'v', [{ key: 'k', version: 0 }]), undefined),
    hashRequest('put', put('k', 'v', [{ key: 'k', version: 1 }]), undefined),
    hashRequest('delete', { conditions: [], operations: [{ delete: { key: 'k' } }] }, undefined),
    hashRequest('txn', two, undefined),
    hashRequest('txn', { ...two, operations: [...two.operations].reverse() }, undefined),
  ];
  expect(new Set(hashes).size).toBe(hashes.length);
});
