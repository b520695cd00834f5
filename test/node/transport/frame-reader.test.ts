/**
 * Frames out of a stream of bytes, however the network cuts it. Nothing may be allocated for bytes that are only
 * announced.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameReader } from '../../../packages/quorate/src/node/transport/frame-reader.js';
import { MalformedFrame } from '../../../packages/quorate/src/node/transport/malformed-frame.js';

function frame(payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + payload.length);
  bytes.writeUInt32BE(payload.length);
  bytes.set(payload, 4);
  return bytes;
}

describe('FrameReader', () => {
  test('gives back the frames that went in, wherever the bytes are cut', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 });
    fc.assert(
      fc.property(payloads, fc.array(fc.integer({ min: 1, max: 60 })), (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(frame));
        const reader = new FrameReader(50);
        const received: string[] = [];
        for (let at = 0, step = 0; at < bytes.length; step++) {
          const end = at + (cuts[step % Math.max(1, cuts.length)] ?? bytes.length);
          reader.push(bytes.subarray(at, end));
          for (let next = reader.next(); next !== null; next = reader.next()) received.push(next.toString('hex'));
          at = end;
        }
        expect(received).toEqual(frames.map((payload) => Buffer.from(payload).toString('hex')));
      }),
      { numRuns: 500 },
    );
  });

  test('refuses a frame above the limit on its length alone', () => {
    const reader = new FrameReader(10);
    reader.push(frame(new Uint8Array(10)));
    expect(reader.next()?.length).toBe(10);
    reader.push(Buffer.from([0, 0, 0, 11]));
    expect(() => reader.next()).toThrow(MalformedFrame);
    expect(() => reader.next()).toThrow('it announces a frame of 11 bytes, 10 are the limit');
  });

  test('takes a new limit from the next frame on', () => {
    const reader = new FrameReader(1);
    reader.push(frame(new Uint8Array(1)));
    reader.push(frame(new Uint8Array(2)));
    expect(reader.next()?.length).toBe(1);
    reader.limit(2);
    expect(reader.next()?.length).toBe(2);
    expect(reader.next()).toBeNull();
  });
});
