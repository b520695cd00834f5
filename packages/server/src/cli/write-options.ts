/** From the flags of a write to the client's options. No condition may be dropped in silence. */
import type { WriteOptions } from 'quorate/client';
import type { KeyWriteFlags } from './flags.js';

export function writeOptionsOf(flags: KeyWriteFlags): WriteOptions {
  const { ifVersion, ifTerm, idempotencyKey, token } = flags;
  return {
    ...(ifVersion === undefined ? {} : { ifVersion }),
    ...(ifTerm === undefined ? {} : { ifTerm }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(token === undefined ? {} : { token }),
  };
}
