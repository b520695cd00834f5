/** `quorate transfer [ID]`: hands the leadership over. It says "transferred" only when another node leads. */
import { Command } from 'commander';
import { type ClientFlags, withClient, withClientFlags } from '../flags.js';
import { print, printJson } from '../output.js';

export function transferCommand(): Command {
  return withClientFlags(new Command('transfer'))
    .description('hand the leadership over')
    .argument('[id]', 'to this node; otherwise the leader chooses')
    .action((to: string | undefined, flags: ClientFlags) =>
      withClient(flags, async (client) => {
        await client.transferLeadership(to === undefined ? {} : { to });
        if (flags.json) await printJson({ transferred: true });
        else await print('transferred\n');
      }),
    );
}
