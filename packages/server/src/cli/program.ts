/**
 * The commands and what they have in common: help, version, usage errors, exit codes. It must never end with a stack
 * trace.
 */
import { Command, CommanderError } from 'commander';
import { SERVER_VERSION } from '../version.js';
import { checkHistoryCommand } from './commands/check-history.js';
import { clusterCommand } from './commands/cluster.js';
import { deleteCommand } from './commands/delete.js';
import { exportCommand } from './commands/export.js';
import { getCommand } from './commands/get.js';
import { importCommand } from './commands/import.js';
import { listCommand } from './commands/list.js';
import { membersCommand } from './commands/not-there-yet.js';
import { putCommand } from './commands/put.js';
import { serveCommand } from './commands/serve.js';
import { snapshotCommand } from './commands/snapshot.js';
import { statusCommand } from './commands/status.js';
import { transferCommand } from './commands/transfer.js';
import { txnCommand } from './commands/txn.js';
import { watchCommand } from './commands/watch.js';
import { CommandFailed, EXIT, exitCodeOf } from './exit-code.js';
import { printError } from './output.js';

const HELP = `
Try it:
  quorate cluster                          three servers on this machine; leave it running
  quorate put greeting 'good morning'      through any of them
  quorate get greeting                     fresh from any of them
  quorate status                           who leads, who follows

Every flag can be given as an environment variable: --data-dir is QUORATE_DATA_DIR.

Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 condition not met, 5 unavailable,
            6 outcome unknown (the write may or may not have been applied)`;

/** Resolves to the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const program = buildProgram();
  try {
    await program.parseAsync([...argv]);
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done;
      return isCheckHistory(argv) ? EXIT.noVerdict : EXIT.usage;
    }
    printError(error, argv.includes('--json'));
    if (isCheckHistory(argv) && !(error instanceof CommandFailed)) return EXIT.noVerdict;
    return exitCodeOf(error);
  }
}

/** The exit code of a failure that says no more than that. */
export function failureCodeOf(argv: readonly string[]): number {
  return isCheckHistory(argv) ? EXIT.noVerdict : EXIT.failed;
}

/** Its exit codes 0, 1 and 2 are verdicts: no failure may look like one. */
function isCheckHistory(argv: readonly string[]): boolean {
  return argv.slice(2).find((argument) => !argument.startsWith('-')) === 'check-history';
}

function buildProgram(): Command {
  const program = new Command('quorate')
    .description('A small replicated key-value store with fresh reads from every replica.')
    .version(SERVER_VERSION, '--version', 'print the version')
    .helpOption('--help', 'explain the command')
    .helpCommand('help [command]', 'explain a command')
    .addHelpText('after', HELP)
    .showHelpAfterError('(quorate --help explains; quorate COMMAND --help, too)');
  const commands = [
    clusterCommand(),
    serveCommand(),
    getCommand(),
    putCommand(),
    deleteCommand(),
    txnCommand(),
    listCommand(),
    importCommand(),
    exportCommand(),
    watchCommand(),
    statusCommand(),
    transferCommand(),
    membersCommand(),
    snapshotCommand(),
    checkHistoryCommand(),
  ];
  for (const command of commands) {
    program.addCommand(command.copyInheritedSettings(program));
    for (const part of command.commands) part.copyInheritedSettings(command);
  }
  const parts = commands.flatMap((command) => command.commands);
  for (const command of [program, ...commands, ...parts]) command.exitOverride();
  return program;
}
