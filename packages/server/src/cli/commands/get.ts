/**
 * `quorate get KEY`: prints the value, byte for byte. Nothing else may get onto standard output, so that it can be
 * piped.
 */
import { Command } from 'commander';
import { CommandFailed, EXIT } from '../exit-code.js';
import { type ReadFlags, withClient, withReadFlags } from '../flags.js';
import { print, printJson, valueFields } from '../output.js';
import { readOptionsOf } from '../read-options.js';

export function getCommand(): Command {
  return withReadFlags(new Command('get'))
    .description('print the value of a key, byte for byte')
    .argument('<key>')
    .action(get);
}

async function get(key: string, flags: ReadFlags): Promise<void> {
  const answer = await withClient(flags, (client) => client.get(key, readOptionsOf(flags)));
  const { value: stored, ...seen } = answer;
  if (flags.json) {
    const fields = stored === null ? null : { ...valueFields(stored.value), version: stored.version };
    await printJson({ key, found: stored !== null, ...fields, ...seen });
  }
  if (stored === null) throw new CommandFailed(EXIT.notFound, `there is no key ${JSON.stringify(key)}`);
  if (flags.json) return;
  await print(stored.value);
  if (process.stdout.isTTY) await print('\n');
}
