/** What a key may be: UTF-8 text of 1 to 1,024 bytes. A key that was accepted once must be accepted for ever. */
import { InvalidArgument } from 'quorate/errors';

export const MAX_KEY_BYTES = 1_024;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The key that these bytes are. Throws InvalidArgument, naming `field`. */
export function keyFromBytes(bytes: Uint8Array, field: string): string {
  if (bytes.byteLength < 1 || bytes.byteLength > MAX_KEY_BYTES) {
    throw new InvalidArgument({
      field,
      expected: `1 to ${MAX_KEY_BYTES} bytes`,
      received: `${bytes.byteLength} bytes`,
    });
  }
  return textFromBytes(bytes, field);
}

/** Throws InvalidArgument, naming `field`, unless the bytes are UTF-8. */
export function textFromBytes(bytes: Uint8Array, field: string): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    const received = Buffer.from(bytes).toString('hex');
    throw new InvalidArgument({ field, expected: 'UTF-8', received: `bytes ${received}` }, { cause: error });
  }
}
