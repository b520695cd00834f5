/**
 * A process that applies random commands to a state in LMDB until it is killed: `PATH SEED COUNT DIE_AT`. It prints
 * each index once readers see it, and kills itself within the batch, with the tables changed, when it applies DIE_AT.
 */
import { renameSync, writeSync } from 'node:fs';
import { open } from 'lmdb';
import { systemClock } from '../../../packages/quorate/src/node/clock.js';
import { silentLogger } from '../../../packages/quorate/src/node/logger.js';
import { LmdbStateMachine } from '../../../packages/quorate/src/node/state-machine/lmdb/lmdb-state-machine.js';
import { NodeDisk } from '../../../packages/quorate/src/node/storage/node-disk.js';
import { randomCommands } from './random-commands.js';
import { applyAll, definition } from './table-application.js';

const [path, seed, count, dieAt] = process.argv.slice(2);
const machine = await LmdbStateMachine.open({
  ...{ open, renameSync, clock: systemClock, disk: new NodeDisk(), logger: silentLogger },
  ...{ path: path as string, bootId: 'this boot' },
  definition: {
    ...definition,
    apply(tables, command, context) {
      const result = definition.apply(tables, command, context);
      if (context.index === Number(dieAt)) process.kill(process.pid, 'SIGKILL');
      return result;
    },
  },
});
const rest = randomCommands(Number(seed), Number(count)).slice(machine.appliedIndex);
for (let at = 0; at < rest.length; at += 16) {
  applyAll(machine, rest.slice(at, at + 16));
  writeSync(1, `${machine.appliedIndex}\n`);
}
await machine.close();
