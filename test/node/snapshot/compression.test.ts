/** The compression of chunks: not on the loop, and nothing bigger comes out of it than it may. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pooledCompression } from '../../../packages/quorate/src/node/snapshot/compression.js';
import { synchronousCompression } from '../../../packages/quorate/src/testing/simulator/synchronous-compression.js';

/** One that repeats itself, and one that cannot be made smaller. */
const chunks = [Buffer.alloc(64 * 1024, 'abc'), randomBytes(64 * 1024), Buffer.from('x')];

describe('the compression of chunks', () => {
  it('gives back what it was given, and both kinds read each other', async () => {
    for (const chunk of chunks) {
      const [pooled, synchronous] = await Promise.all([
        pooledCompression.deflate(chunk),
        synchronousCompression.deflate(chunk),
      ]);
      expect(pooled.equals(synchronous)).toBe(true);
      for (const compression of [pooledCompression, synchronousCompression]) {
        expect((await compression.inflate(pooled, chunk.length)).equals(chunk)).toBe(true);
        if (chunk.length > 1) await expect(compression.inflate(pooled, chunk.length - 1)).rejects.toThrow(RangeError);
      }
    }
  });

  it('is no work of the turn that asks for it, except in the simulator', async () => {
    const ended: string[] = [];
    const work = [
      pooledCompression.deflate(chunks[0] as Buffer).then(() => ended.push('pooled')),
      synchronousCompression.deflate(chunks[0] as Buffer).then(() => ended.push('synchronous')),
    ];
    for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
    expect(ended).toEqual(['synchronous']);
    await Promise.all(work);
  });
});
