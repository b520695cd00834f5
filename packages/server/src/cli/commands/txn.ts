/**
 * `quorate txn FILE`: applies the conditions and operations of a JSON file, all or nothing. The file is what
 * `POST /v1/txn` takes; nothing of it may be changed on the way.
 */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { Command } from 'commander';
import { parseTransaction } from '../../http/transaction-body.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { type WriteFlags, withClient, withWriteFlags } from '../flags.js';
import { print, printJson } from '../output.js';
import { writeOptionsOf } from '../write-options.js';

export function txnCommand(): Command {
  return withWriteFlags(new Command('txn'))
    .summary('several conditions and operations, all or nothing')
    .description(
      'apply a transaction, all or nothing (exit code 4 when a condition does not hold):\n' +
        '{"conditions":[{"key":"a","version":7}],\n' +
        ' "operations":[{"put":{"key":"a","value":"x"}},{"delete":{"key":"b"}}]}',
    )
    .argument(
      '<file>',
      'JSON as above (version 0: the key must not exist; valueBase64 for bytes), or - for standard input',
    )
    .action(txn);
}

async function txn(file: string, flags: WriteFlags): Promise<void> {
  // How large it may be is for the servers to say.
  const transaction = parseTransaction(await contents(file), Number.POSITIVE_INFINITY);
  const written = await withClient(flags, (client) => client.txn(transaction, writeOptionsOf(flags)));
  if (flags.json) return printJson(written);
  await print(`${written.results.length} operations at version ${written.index}, token ${written.token}\n`);
}

async function contents(file: string): Promise<Uint8Array> {
  if (file === '-') return buffer(process.stdin);
  try {
    return await readFile(file);
  } catch (error) {
    throw new CommandFailed(EXIT.failed, `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
