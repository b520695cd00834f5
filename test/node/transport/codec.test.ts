/**
 * The wire format: what goes out comes back, and no bytes from outside can do harm. It must not change unnoticed: the
 * bytes of every kind of frame are in `golden-frames.txt`.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Message } from '../../../packages/quorate/src/core/index.js';
import { ByteWriter } from '../../../packages/quorate/src/node/transport/byte-writer.js';
import { decodeMessage, encodeMessage } from '../../../packages/quorate/src/node/transport/codec.js';
import {
  decodeAnswer,
  decodeGreeting,
  encodeAnswer,
  encodeGreeting,
} from '../../../packages/quorate/src/node/transport/greeting.js';
import { MalformedFrame, VersionMismatch } from '../../../packages/quorate/src/node/transport/malformed-frame.js';
import { anyHello, anyMessage, examples, helloOf, LARGEST } from './fixtures.js';

/** One line per frame: name, then the bytes in hexadecimal. */
const golden = new Map(
  readFileSync(new URL('./golden-frames.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' ') as [string, string]),
);

function encode(message: Message): Buffer {
  const writer = new ByteWriter(16);
  encodeMessage(writer, message);
  return writer.take();
}

/** A frame without its length. */
const payload = (frame: Buffer) => frame.subarray(4);

/** Runs a decoder on bytes that may be anything: it may succeed, or throw the one typed error. */
function survives(decode: (bytes: Buffer) => unknown, bytes: Buffer): void {
  try {
    decode(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedFrame);
  }
}

const decoders = [
  { name: 'messages', decode: decodeMessage as (bytes: Buffer) => unknown, valid: anyMessage.map(encode) },
  {
    name: 'greetings',
    decode: decodeGreeting as (bytes: Buffer) => unknown,
    valid: anyHello.map((hello) => payload(encodeGreeting({ stream: 'bulk', hello }))),
  },
  {
    name: 'answers',
    decode: decodeAnswer as (bytes: Buffer) => unknown,
    valid: anyHello.map((hello) => payload(encodeAnswer({ hello, refusal: 'no' }))),
  },
];

describe('messages', () => {
  test('every message comes back as it was sent', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decodeMessage(encode(message))).toStrictEqual(message);
      }),
      { numRuns: 2_000 },
    );
  });

  for (const message of Object.values(examples)) {
    test(`the bytes of ${message.type} are those of version 1`, () => {
      expect(encode(message).toString('hex')).toBe(golden.get(message.type));
      expect(decodeMessage(Buffer.from(golden.get(message.type) ?? '', 'hex'))).toStrictEqual(message);
    });
  }

  test('commands are plain arrays of bytes that do not share memory with the frame', () => {
    const bytes = encode(examples.propose);
    const decoded = decodeMessage(bytes);
    bytes.fill(0);
    expect(decoded).toStrictEqual(examples.propose);
    if (decoded.type === 'propose') expect(decoded.proposals[0]?.data.constructor).toBe(Uint8Array);
  });

  test('a number above 2^53 - 1 is refused', () => {
    const bytes = encode({ ...examples['heartbeat-response'], round: LARGEST });
    expect(decodeMessage(bytes)).toMatchObject({ round: LARGEST });
    bytes.set([0x00, 0x20, 0, 0, 0, 0, 0, 0], bytes.length - 8);
    expect(() => decodeMessage(bytes)).toThrow('a number is above 2^53 - 1');
  });

  test('a count that cannot fit is refused before anything is allocated for it', () => {
    const bytes = encode({ ...examples['append-entries'], entries: [] });
    bytes.writeUInt32BE(0xffff_ffff, bytes.length - 4);
    expect(() => decodeMessage(bytes)).toThrow('4294967295 items do not fit into 0 bytes');
  });

  test('entries with a gap are refused', () => {
    const [first, second] = examples['append-entries'].entries;
    if (first === undefined || second === undefined) throw new Error('the example has entries');
    const gap = encode({ ...examples['append-entries'], entries: [first, { ...second, index: 11 }] });
    expect(() => decodeMessage(gap)).toThrow('entry 11 stands where 9 belongs');
  });

  test('an unknown version, an unknown type, a wrong flag, bad UTF-8 and bytes left over are refused', () => {
    const change = (place: number, value: number) => {
      const bytes = encode(examples['request-vote-response']);
      bytes[place < 0 ? bytes.length + place : place] = value;
      return () => decodeMessage(bytes);
    };
    expect(change(0, 2)).toThrow('a message has version 2');
    expect(change(1, 200)).toThrow('a message has the unknown type 200');
    expect(change(-1, 2)).toThrow('a flag is 2');
    expect(change(4, 0xff)).toThrow('a text is not UTF-8');
    const longer = Buffer.concat([encode(examples.heartbeat), Buffer.from([0])]);
    expect(() => decodeMessage(longer)).toThrow('1 bytes are left over');
  });

  test('a number of ours that is no index, term or time is a defect, not a message', () => {
    for (const term of [-1, 0.5, Number.NaN, LARGEST + 1]) {
      expect(() => encode({ ...examples.heartbeat, term })).toThrow('invariant violated');
    }
  });
});

describe('greetings', () => {
  test('every greeting and every answer comes back as it was sent', () => {
    fc.assert(
      fc.property(anyHello, fc.constantFrom('control' as const, 'bulk' as const), (hello, stream) => {
        expect(decodeGreeting(payload(encodeGreeting({ stream, hello })))).toStrictEqual({ stream, hello });
      }),
    );
    fc.assert(
      fc.property(anyHello, fc.option(fc.string({ unit: 'grapheme' })), (hello, refusal) => {
        expect(decodeAnswer(payload(encodeAnswer({ hello, refusal })))).toStrictEqual({ hello, refusal });
      }),
    );
  });

  test('their bytes are those of version 1', () => {
    const hello = helloOf('n1', { url: 'http://127.0.0.1:4001' });
    const unformed = helloOf('n2', { formation: null });
    expect(encodeGreeting({ stream: 'bulk', hello }).toString('hex')).toBe(golden.get('greeting'));
    expect(encodeAnswer({ hello: unformed, refusal: 'no' }).toString('hex')).toBe(golden.get('answer'));
  });

  test('another version is told from garbage', () => {
    const other = payload(encodeGreeting({ stream: 'control', hello: helloOf('n1', { version: 9 }) }));
    expect(() => decodeGreeting(other)).toThrow(VersionMismatch);
    expect(() => decodeGreeting(other)).toThrow('it speaks version 9 of the protocol, this node version 1');
    expect(() => decodeGreeting(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow('does not speak the protocol of Quorate');
  });

  test('a refusal that is longer than any frame is cut', () => {
    const frame = encodeAnswer({ hello: helloOf('n1'), refusal: 'x'.repeat(100_000) });
    expect(decodeAnswer(payload(frame)).refusal).toBe('x'.repeat(1_000));
  });
});

describe.each(decoders)('whatever bytes arrive as $name', ({ decode, valid }) => {
  test('random bytes give a value or the one typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => survives(decode, Buffer.from(bytes))),
      { numRuns: 2_000 },
    );
  });

  test('a valid frame that is cut anywhere is refused', () => {
    fc.assert(
      fc.property(valid, fc.nat(), (bytes, at) => {
        expect(() => decode(bytes.subarray(0, at % bytes.length))).toThrow(MalformedFrame);
      }),
      { numRuns: 1_000 },
    );
  });

  test('a valid frame with bits flipped gives a value or the one typed error', () => {
    fc.assert(
      fc.property(valid, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), (bytes, flips) => {
        for (const flip of flips) {
          const place = flip % (bytes.length * 8);
          bytes.writeUInt8(bytes.readUInt8(place >> 3) ^ (1 << (place & 7)), place >> 3);
        }
        survives(decode, bytes);
      }),
      { numRuns: 2_000 },
    );
  });
});
