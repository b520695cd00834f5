/** `quorate delete KEY`: removes a key. Exit code 3 when there was none, so that a script can tell. */
import { Command } from 'commander';
import { CommandFailed, EXIT } from '../exit-code.js';
import { type KeyWriteFlags, withClient, withKeyWriteFlags } from '../flags.js';
import { print, printJson } from '../output.js';
import { writeOptionsOf } from '../write-options.js';

export function deleteCommand(): Command {
  return withKeyWriteFlags(new Command('delete'))
    .summary('remove a key')
    .description('remove a key (exit code 3 when there was none)')
    .argument('<key>')
    .action(remove);
}

async function remove(key: string, flags: KeyWriteFlags): Promise<void> {
  const written = await withClient(flags, (client) => client.delete(key, writeOptionsOf(flags)));
  if (flags.json) await printJson({ key, ...written });
  if (!written.deleted) throw new CommandFailed(EXIT.notFound, `there was no key ${JSON.stringify(key)}`);
  if (!flags.json) await print(`deleted, token ${written.token}\n`);
}
