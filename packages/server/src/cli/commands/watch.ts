/**
 * `quorate watch [PREFIX]`: prints every change once, in order, until it is told to stop. What a value holds must never
 * reach the terminal as a control code.
 */
import { Command } from 'commander';
import type { Change, Client, WatchEvent } from 'quorate/client';
import { Canceled } from 'quorate/errors';
import { type ClientFlags, flag, wholeNumber, withClient, withClientFlags } from '../flags.js';
import { forTerminal, print, printJson, valueFields } from '../output.js';
import { stopOnSignals } from '../stop-signals.js';

interface WatchFlags extends ClientFlags {
  readonly from?: number;
  readonly token?: string;
  readonly limit?: number;
}

export function watchCommand(): Command {
  return withClientFlags(new Command('watch'))
    .summary('print changes as they happen')
    .description(
      'print every change once, in order: put or delete, key and value, a tab between them.\n' +
        'It goes over to another server when its own ends; --timeout-ms is how long it may be without any.\n' +
        'With --json one line holds all that one entry changed, or says how far it is.',
    )
    .argument('[prefix]', 'only keys that begin with this')
    .addOption(
      flag('--from <index>', 'the first change wanted (default: what comes from now on)').argParser(
        wholeNumber(1, Number.MAX_SAFE_INTEGER),
      ),
    )
    .addOption(flag('--token <token>', 'of the answer or event that --from comes from: fails after a restore'))
    .addOption(flag('--limit <n>', 'end after so many entries').argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER)))
    .action((prefix: string | undefined, flags: WatchFlags) =>
      withClient(flags, (client) => watch(client, prefix ?? '', flags)),
    );
}

/** Ends well at Ctrl-C: that is how people end it. */
async function watch(client: Client, prefix: string, flags: WatchFlags): Promise<void> {
  const { signal } = stopOnSignals();
  const { from, token, timeoutMs } = flags;
  const place = { ...(from === undefined ? {} : { from }), ...(token === undefined ? {} : { token }) };
  let left = flags.limit ?? Number.POSITIVE_INFINITY;
  try {
    for await (const event of client.watch({ prefix, signal, timeoutMs, ...place })) {
      if (flags.json) await printJson(jsonOf(event));
      if (event.kind === 'progress') continue;
      if (!flags.json) for (const change of event.changes) await print(lineOf(change));
      left -= 1;
      if (left === 0) return;
    }
  } catch (error) {
    if (!(error instanceof Canceled)) throw error;
  }
}

function lineOf(change: Change): string {
  const key = forTerminal(Buffer.from(change.key));
  return change.kind === 'put' ? `put\t${key}\t${forTerminal(change.value)}\n` : `delete\t${key}\n`;
}

function jsonOf(event: WatchEvent): object {
  if (event.kind === 'progress') return event;
  const changes = event.changes.map((change) => {
    if (change.kind === 'delete') return change;
    const { kind, key, value, version } = change;
    return { kind, key, ...valueFields(value), version };
  });
  return { ...event, changes };
}
