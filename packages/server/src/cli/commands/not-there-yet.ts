/** Commands that the interface names and this version does not have. They say so and fail; none of them pretends. */
import { Command } from 'commander';
import { CommandFailed, EXIT } from '../exit-code.js';

export function membersCommand(): Command {
  return notThereYet('members', 'list, add, promote and remove members');
}

function notThereYet(name: string, what: string): Command {
  return new Command(name)
    .description(`${what} (not there yet)`)
    .argument('[arguments...]')
    .allowUnknownOption()
    .action(() => {
      throw new CommandFailed(EXIT.failed, `${name} is not there yet in this version`);
    });
}
