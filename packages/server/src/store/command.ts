/**
 * The commands of the key-value application and their bytes. Every entry ever written must replay for ever: the first
 * byte is the version of the format, and an unknown one stops the node; nothing is ever skipped.
 */
import type { CommandCodec } from 'quorate';

export type KeyValueCommand =
  | { readonly kind: 'put'; readonly key: string; readonly value: Uint8Array; readonly ifVersion: number | null }
  | { readonly kind: 'delete'; readonly key: string; readonly ifVersion: number | null };

/**
 * A command that could not be applied is a result, too: it is in the log and gives the same answer on every replica.
 */
export type KeyValueResult =
  | { readonly kind: 'put'; readonly version: number }
  | { readonly kind: 'delete'; readonly deleted: boolean }
  | { readonly kind: 'condition-failed'; readonly expected: number; readonly actual: number };

const FORMAT = 1;
const KINDS = { put: 1, delete: 2 } as const;
const HAS_CONDITION = 1;

/**
 * Format 1: version, kind, flags (a byte each), the condition (8 bytes, if flagged), the length of the key (2 bytes),
 * the key in UTF-8, and for a put the value up to the end. Numbers are big-endian.
 */
export const keyValueCodec: CommandCodec<KeyValueCommand> = {
  encode(command) {
    const key = Buffer.from(command.key);
    const conditionBytes = command.ifVersion === null ? 0 : 8;
    const value = command.kind === 'put' ? command.value : new Uint8Array(0);
    const data = Buffer.allocUnsafe(3 + conditionBytes + 2 + key.length + value.byteLength);
    data[0] = FORMAT;
    data[1] = KINDS[command.kind];
    data[2] = command.ifVersion === null ? 0 : HAS_CONDITION;
    if (command.ifVersion !== null) data.writeBigUInt64BE(BigInt(command.ifVersion), 3);
    const keyAt = data.writeUInt16BE(key.length, 3 + conditionBytes);
    key.copy(data, keyAt);
    data.set(value, keyAt + key.length);
    return data;
  },

  decode(bytes) {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const [format, kind, flags] = data;
    if (format !== FORMAT) throw new Error(`unknown version ${format} of a key-value command: a newer server wrote it`);
    if (flags !== 0 && flags !== HAS_CONDITION) throw new Error(`unknown flags ${flags} of a key-value command`);
    const ifVersion = flags === HAS_CONDITION ? Number(data.readBigUInt64BE(3)) : null;
    const lengthAt = ifVersion === null ? 3 : 11;
    const keyAt = lengthAt + 2;
    const keyEnd = keyAt + data.readUInt16BE(lengthAt);
    if (keyEnd > data.length) throw new Error('a key-value command ends within its key');
    const key = data.toString('utf8', keyAt, keyEnd);
    if (kind === KINDS.put) {
      // A copy: the state keeps the value for long, and must not keep the whole block of the log that it came in.
      return { kind: 'put', key, value: Uint8Array.prototype.slice.call(data, keyEnd), ifVersion };
    }
    if (kind === KINDS.delete && keyEnd === data.length) return { kind: 'delete', key, ifVersion };
    throw new Error(`unknown kind ${kind} of a key-value command`);
  },
};
