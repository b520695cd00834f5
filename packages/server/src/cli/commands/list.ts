/**
 * `quorate list [PREFIX]`: keys and values in the order of the keys' bytes. What a value holds must never reach the
 * terminal as a control code.
 */
import { Command } from 'commander';
import type { Client } from 'quorate/client';
import { flag, type ReadFlags, wholeNumber, withClient, withReadFlags } from '../flags.js';
import { forTerminal, print, printJson, valueFields } from '../output.js';
import { readOptionsOf } from '../read-options.js';

interface ListFlags extends ReadFlags {
  readonly start?: string;
  readonly limit?: number;
  readonly keysOnly?: boolean;
}

export function listCommand(): Command {
  return withReadFlags(new Command('list'))
    .summary('print keys and values in order')
    .description(
      'print keys and values in the order of the keys, a tab between them.\n' +
        'Fetched in pages of 1,000: each page is one consistent view, all of them together are not.',
    )
    .argument('[prefix]', 'only keys that begin with this')
    .addOption(flag('--start <key>', 'only keys from this one on'))
    .addOption(flag('--limit <n>', 'at most so many').argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER)))
    .addOption(flag('--keys-only', 'print no values'))
    .action((prefix: string | undefined, flags: ListFlags) =>
      withClient(flags, (client) => list(client, prefix ?? '', flags)),
    );
}

async function list(client: Client, prefix: string, flags: ListFlags): Promise<void> {
  let left = flags.limit ?? Number.POSITIVE_INFINITY;
  const query = { prefix, limit: Math.min(left, 1_000), ...(flags.start === undefined ? {} : { start: flags.start }) };
  for await (const { key, value, version } of client.entries(query, readOptionsOf(flags))) {
    if (left === 0) return;
    left -= 1;
    const shownKey = forTerminal(Buffer.from(key));
    if (flags.json) await printJson({ key, ...(flags.keysOnly ? {} : valueFields(value)), version });
    else await print(flags.keysOnly ? `${shownKey}\n` : `${shownKey}\t${forTerminal(value)}\n`);
  }
}
