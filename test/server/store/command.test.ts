/** The bytes of commands, which are on disks for ever. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyValueCodec } from '../../../packages/server/src/store/command.js';

const ifVersion = fc.option(fc.maxSafeNat(), { nil: null });
const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 });
const put = fc.record({ kind: fc.constant('put' as const), key, value: fc.uint8Array(), ifVersion });
const remove = fc.record({ kind: fc.constant('delete' as const), key, ifVersion });

test('every command comes back from its bytes', () => {
  fc.assert(
    fc.property(fc.oneof(put, remove), (command) => {
      const decoded = keyValueCodec.decode(keyValueCodec.encode(command));
      const value = decoded.kind === 'put' ? { value: new Uint8Array(decoded.value) } : {};
      expect({ ...decoded, ...value }).toEqual(command);
    }),
  );
});

test('the bytes of format 1 are these, and stay so', () => {
  const withCondition = keyValueCodec.encode({ kind: 'put', key: 'ä', value: Buffer.from('v'), ifVersion: 258 });
  expect(Buffer.from(withCondition).toString('hex')).toBe('0101010000000000000102' + '0002c3a4' + '76');
  const without = keyValueCodec.encode({ kind: 'delete', key: 'k', ifVersion: null });
  expect(Buffer.from(without).toString('hex')).toBe('010200' + '00016b');
});

test.each([
  ['a version that this server does not know', '020100' + '00016b', /unknown version 2/],
  ['a kind that it does not know', '010900' + '00016b', /unknown kind 9/],
  ['flags that it does not know', '010102' + '00016b', /unknown flags 2/],
  ['a key that is cut', '010100' + '00056b', /ends within its key/],
  ['bytes after a delete', '010200' + '00016b' + '00', /unknown kind 2/],
  ['nothing', '', /unknown version undefined/],
])('decoding stops at %s', (_, hex, message) => {
  expect(() => keyValueCodec.decode(Buffer.from(hex, 'hex'))).toThrow(message);
});

test('a decoded value does not keep the block of the log that it came in', () => {
  const block = Buffer.alloc(1_000_000);
  const data = keyValueCodec.encode({ kind: 'put', key: 'k', value: Buffer.from('v'), ifVersion: null });
  block.set(data, 500);
  const decoded = keyValueCodec.decode(block.subarray(500, 500 + data.byteLength));
  expect(decoded.kind === 'put' && decoded.value.buffer.byteLength).toBeLessThan(100_000);
});
