/**
 * `quorate export [PREFIX]`: NDJSON lines that `import` takes back exactly. A value that is no text must never pass
 * through text.
 */
import { Command } from 'commander';
import { type ReadFlags, withClient, withReadFlags } from '../flags.js';
import { printJson, valueFields } from '../output.js';
import { readOptionsOf } from '../read-options.js';

export function exportCommand(): Command {
  return withReadFlags(new Command('export'))
    .summary('print NDJSON that import takes back')
    .description(
      'print NDJSON lines {"key","value"}, or {"key","valueBase64"} when the value is no text.\n' +
        '`import` takes them back exactly. ' +
        'All of it is one consistent view, whatever is written meanwhile.',
    )
    .argument('[prefix]', 'only keys that begin with this')
    .action((prefix: string | undefined, flags: ReadFlags) =>
      withClient(flags, async (client) => {
        for await (const { key, value } of client.export({ prefix: prefix ?? '' }, readOptionsOf(flags))) {
          await printJson({ key, ...valueFields(value) });
        }
      }),
    );
}
