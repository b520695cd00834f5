/** `quorate status`: what every server says of itself, one line each. Those that do not answer are in it, too. */
import { Command } from 'commander';
import type { Client, ServerStatus } from 'quorate/client';
import { QuorateError } from 'quorate/errors';
import { CommandFailed, EXIT } from '../exit-code.js';
import { type ClientFlags, withClient, withClientFlags } from '../flags.js';
import { print, printJson } from '../output.js';
import { table } from '../table.js';

type Row = { readonly endpoint: string; readonly status: ServerStatus | null; readonly error: string | null };

export function statusCommand(): Command {
  return withClientFlags(new Command('status'))
    .summary('show every server')
    .description('show role, term and indexes of every server (exit code 5 when none answers)')
    .action((flags: ClientFlags) => withClient(flags, (client) => status(client, flags)));
}

async function status(client: Client, flags: ClientFlags): Promise<void> {
  const rows = await Promise.all(flags.endpoints.map((endpoint) => ask(client, endpoint)));
  if (flags.json) await printJson(rows);
  else {
    const head = ['endpoint', 'id', 'role', 'term', 'leader', 'commit', 'applied', 'last', 'lag', 'disk'];
    await print(table([head, ...rows.map(cells)]));
  }
  if (rows.every((row) => row.status === null)) throw new CommandFailed(EXIT.unavailable, 'no server answered');
}

async function ask(client: Client, endpoint: string): Promise<Row> {
  try {
    return { endpoint, status: await client.status({ endpoint }), error: null };
  } catch (error) {
    if (!(error instanceof QuorateError) || !error.retryable) throw error;
    return { endpoint, status: null, error: error.message };
  }
}

function cells({ endpoint, status: node, error }: Row): string[] {
  if (node === null) return [endpoint, error ?? ''];
  const { id, role, term, leader, commit, applied, lastIndex, lag, disk } = node;
  const indexes = [`${commit}`, `${applied}`, `${lastIndex}`, `${lag ?? '-'}`];
  return [endpoint, id, role, `${term}`, leader?.id ?? '-', ...indexes, diskCell(disk)];
}

function diskCell(disk: ServerStatus['disk']): string {
  if (disk?.state === 'stalled') return `stalled for ${disk.stalledMs} ms`;
  return disk?.state ?? '-';
}
