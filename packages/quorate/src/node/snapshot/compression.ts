/**
 * How the chunks of a snapshot are compressed: in the thread pool, so that the loop is left to reads and writes. The
 * simulator replaces it, for what a pool finishes first is no part of a seed. It must never give back more than it was
 * allowed to.
 */
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw, type ZlibOptions } from 'node:zlib';

export interface Compression {
  /** As raw DEFLATE. */
  deflate(bytes: Uint8Array): Promise<Buffer>;
  /** Rejects when it is no raw DEFLATE, or of more than `maxBytes`. */
  inflate(bytes: Uint8Array, maxBytes: number): Promise<Buffer>;
}

/** The fastest: writes wait for the pool, too. */
export const COMPRESSION_LEVEL = 1;

const deflateInPool = promisify<Uint8Array, ZlibOptions, Buffer>(deflateRaw);
const inflateInPool = promisify<Uint8Array, ZlibOptions, Buffer>(inflateRaw);
/** Room for what does not get smaller: a chunk goes to the pool and back once. */
const ROOM_BYTES = 1024;

export const pooledCompression: Compression = {
  deflate: (bytes) => deflateInPool(bytes, { level: COMPRESSION_LEVEL, chunkSize: bytes.byteLength + ROOM_BYTES }),
  inflate: (bytes, maxBytes) => inflateInPool(bytes, { maxOutputLength: maxBytes, chunkSize: maxBytes + ROOM_BYTES }),
};
