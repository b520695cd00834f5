/** From the flags of a read to the client's options. No flag may be dropped in silence. */
import type { ReadOptions } from 'quorate/client';
import { CommandFailed, EXIT } from './exit-code.js';
import type { ReadFlags } from './flags.js';

/** Throws CommandFailed for a level that is not there yet. */
export function readOptionsOf(flags: ReadFlags): ReadOptions {
  const { level, token, minIndex } = flags;
  if (level === 'lease' || level === 'bounded') {
    throw new CommandFailed(EXIT.failed, `--level ${level} is not there yet in this version`);
  }
  return { level, ...(token === undefined ? {} : { token }), ...(minIndex === undefined ? {} : { minIndex }) };
}
