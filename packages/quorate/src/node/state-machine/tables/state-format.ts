/**
 * The state of tables as bytes, for snapshots: a stream that may be cut into chunks anywhere. Every block carries a
 * checksum that covers the blocks before it, so that one that is altered, missing, repeated or moved is noticed. It
 * must never give a state for complete that is not.
 *
 * Format 1, numbers big-endian: `QSTATE`, version (2 bytes); then blocks: length (4, at most 64 KiB), CRC-32 (4, begun
 * with that of the block before, the first with that of the opening), payload. The payloads together: index (8), term
 * (8), number of tables (1), the name of each (length (1), UTF-8); then for each entry the number of its table (1), the
 * length of the key (2) and of the value (4), key, value; at the end 255 and the number of entries (8).
 */
import type { StateView } from '../state-machine.js';

export const VERSION = 1;
export const MAGIC = Buffer.from('QSTATE');
export const BLOCK_BYTES = 64 * 1024;
export const BLOCK_HEAD_BYTES = 8;
export const ENTRY_HEAD_BYTES = 7;
export const END = 255;

export interface StateHead extends StateView {
  readonly tables: readonly string[];
}

export type StateItem =
  | { readonly kind: 'head'; readonly head: StateHead }
  | { readonly kind: 'entry'; readonly table: string; readonly key: Uint8Array; readonly value: Uint8Array };
