/** The bytes of commands, which are on disks for ever. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeyValueCommand } from '../../../packages/server/src/store/command.js';
import { keyValueCodec } from '../../../packages/server/src/store/command-codec.js';

const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 });
const condition = fc.record({ key, version: fc.maxSafeNat() });
const operation = fc.oneof(
  fc.record({ put: fc.record({ key, value: fc.uint8Array() }) }),
  fc.record({ delete: fc.record({ key }) }),
);
const visible = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
const request = fc.record({
  key: fc.string({ unit: visible, minLength: 1, maxLength: 255 }),
  hash: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  heldIndex: fc.option(fc.maxSafeNat(), { nil: null }),
  kept: fc.integer({ min: 1, max: 1_000_000 }),
});
const command: fc.Arbitrary<KeyValueCommand> = fc.record({
  conditions: fc.array(condition, { maxLength: 5 }),
  operations: fc.array(operation, { maxLength: 5 }),
  request: fc.option(request, { nil: null }),
});

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const decode = (text: string) => keyValueCodec.decode(Buffer.from(text, 'hex'));

test('every command comes back from its bytes', () => {
  fc.assert(
    fc.property(command, (each) => {
      expect(keyValueCodec.decode(keyValueCodec.encode(each))).toEqual(each);
    }),
  );
});

test('no command is decoded from a part of its bytes, nor from more than them', () => {
  fc.assert(
    fc.property(command, fc.nat(), (each, cut) => {
      const bytes = keyValueCodec.encode(each);
      expect(() => keyValueCodec.decode(bytes.subarray(0, cut % bytes.byteLength))).toThrow();
      expect(() => keyValueCodec.decode(Buffer.concat([bytes, Buffer.from([0])]))).toThrow('too many');
    }),
  );
});

test('entries of format 1 are read for ever', () => {
  const put = decode('0101010000000000000102' + '0002c3a4' + '76');
  const value = new Uint8Array(Buffer.from('v'));
  expect(put).toEqual({
    ...{ conditions: [{ key: 'ä', version: 258 }], operations: [{ put: { key: 'ä', value } }], request: null },
  });
  expect(decode('010100' + '00016b')).toMatchObject({ operations: [{ put: { key: 'k', value: new Uint8Array(0) } }] });
  expect(decode('010200' + '00016b')).toEqual({
    conditions: [],
    operations: [{ delete: { key: 'k' } }],
    request: null,
  });
});

test('the bytes of format 2 are these, and stay so', () => {
  const change = {
    conditions: [{ key: 'ä', version: 258 }],
    operations: [{ put: { key: 'a', value: Buffer.from('v') } }, { delete: { key: 'k' } }],
  };
  const body = '0001' + '0002c3a40000000000000102' + '0002' + '0100016100000001' + '76' + '0200016b';
  expect(hex(keyValueCodec.encode({ ...change, request: null }))).toBe(`0200${body}`);
  const hash = Buffer.alloc(32, 0xab).toString('base64url');
  const keyed = { key: 'r1', hash, heldIndex: null, kept: 100_000 };
  const head = `027231${'ab'.repeat(32)}000186a0`;
  expect(hex(keyValueCodec.encode({ ...change, request: keyed }))).toBe(`0201${head}${body}`);
  const held = { ...keyed, heldIndex: 513 };
  expect(hex(keyValueCodec.encode({ ...change, request: held }))).toBe(`0203${head}0000000000000201${body}`);
});

test.each([
  ['a version that this server does not know', '030000000000', /unknown version 3/],
  ['flags that it does not know', '0204' + '00000000', /unknown flags 4/],
  ['a held index without a request', '0202' + '00000000', /unknown flags 2/],
  ['an operation that it does not know', '0200' + '0000' + '0001' + '03' + '00016b', /unknown kind 3/],
  ['a key that is cut', '0200' + '0000' + '0001' + '02' + '00056b', /ends too early/],
  ['nothing', '', /ends too early/],
  ['format 1: a kind that it does not know', '010900' + '00016b', /unknown kind 9/],
  ['format 1: flags that it does not know', '010102' + '00016b', /unknown flags 2/],
  ['format 1: a key that is cut', '010100' + '00056b', /ends too early/],
  ['format 1: bytes after a delete', '010200' + '00016b' + '00', /1 bytes too many/],
])('decoding stops at %s', (_, text, message) => {
  expect(() => decode(text)).toThrow(message);
});

test.each(['0101' + '00' + '00016b' + '76', '0200' + '0000' + '0001' + '0100016b00000001' + '76'])(
  'a decoded value does not keep the block of the log that it came in: %s',
  (text) => {
    const block = Buffer.alloc(1_000_000);
    block.set(Buffer.from(text, 'hex'), 500);
    const [operation] = keyValueCodec.decode(block.subarray(500, 500 + text.length / 2)).operations;
    expect(operation !== undefined && 'put' in operation && operation.put.value.buffer.byteLength).toBe(1);
  },
);
