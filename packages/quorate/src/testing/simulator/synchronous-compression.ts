/**
 * Compresses the chunks of snapshots at once, in place of the thread pool. A run must never depend on which of two
 * threads ends first.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { COMPRESSION_LEVEL, type Compression } from '../../node/snapshot/compression.js';

export const synchronousCompression: Compression = {
  deflate: async (bytes) => deflateRawSync(bytes, { level: COMPRESSION_LEVEL }),
  inflate: async (bytes, maxOutputLength) => inflateRawSync(bytes, { maxOutputLength }),
};
