/**
 * `quorate put KEY [VALUE]`: writes a value, given as an argument or on standard input. It must never change a byte of
 * it.
 */
import { buffer } from 'node:stream/consumers';
import { Command } from 'commander';
import { CommandFailed, EXIT } from '../exit-code.js';
import { type KeyWriteFlags, withClient, withKeyWriteFlags } from '../flags.js';
import { print, printJson } from '../output.js';
import { writeOptionsOf } from '../write-options.js';

export function putCommand(): Command {
  return withKeyWriteFlags(new Command('put'))
    .summary('write a value')
    .description('write a value; without VALUE it is read from standard input, byte for byte')
    .argument('<key>')
    .argument('[value]', 'the text to write (after -- when it begins with a dash)')
    .action(put);
}

async function put(key: string, text: string | undefined, flags: KeyWriteFlags): Promise<void> {
  if (text === undefined && process.stdin.isTTY) {
    throw new CommandFailed(EXIT.usage, 'give a VALUE, or pipe one in');
  }
  const value = text ?? (await buffer(process.stdin));
  const written = await withClient(flags, (client) => client.put(key, value, writeOptionsOf(flags)));
  if (flags.json) return printJson({ key, ...written });
  await print(`version ${written.version}, token ${written.token}\n`);
}
