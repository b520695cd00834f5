/** From the flags of a write to the client's options. No condition may be dropped in silence. */
import type { WriteOptions } from 'quorate/client';
import type { WriteFlags } from './flags.js';

export function writeOptionsOf(flags: WriteFlags): WriteOptions {
  const { ifVersion, ifTerm } = flags;
  return { ...(ifVersion === undefined ? {} : { ifVersion }), ...(ifTerm === undefined ? {} : { ifTerm }) };
}
