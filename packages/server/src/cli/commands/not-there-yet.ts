/** Commands that the interface names and this version does not have. They say so and fail; none of them pretends. */
import { Command } from 'commander';
import { CommandFailed, EXIT } from '../exit-code.js';

export function membersCommand(): Command {
  return notThereYet('members', 'list, add, promote and remove members', EXIT.failed);
}

export function snapshotCommand(): Command {
  return notThereYet('snapshot', 'save and restore snapshots', EXIT.failed);
}

/** Its exit codes 0, 1 and 2 are verdicts: not to be there must be none of them. */
export function checkHistoryCommand(): Command {
  return notThereYet('check-history', 'judge a recorded history', EXIT.noVerdict);
}

function notThereYet(name: string, what: string, exitCode: number): Command {
  return new Command(name)
    .description(`${what} (not there yet)`)
    .argument('[arguments...]')
    .allowUnknownOption()
    .action(() => {
      throw new CommandFailed(exitCode, `${name} is not there yet in this version`);
    });
}
