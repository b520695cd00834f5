/**
 * The key-value application on LMDB: its state need not fit into memory, and is there again at the next start. The one
 * module that loads the package, and so it must only be imported when it is used.
 */
import { openLmdbStateMachine } from 'quorate/lmdb';
import { keyValueCodec } from './command-codec.js';
import { applyAndRecord, type MachineOptions, type OpenMachine } from './key-value-machine.js';
import { KINDS, keysOf, LmdbState } from './lmdb-state.js';
import { MAX_LONG_PAGES } from './long-pages.js';
import { WatchedMachine } from './watched-machine.js';

/** Views at a time: for long pages, for as many exports as there may be (16, see http-server.ts), and for snapshots. */
const MAX_VIEWS = MAX_LONG_PAGES + 20;

/** Rejects with DirectoryLocked, UnknownFormat or DiskFailed. */
export async function openLmdbMachine({ path, history, logger }: MachineOptions): Promise<OpenMachine> {
  const lmdb = await openLmdbStateMachine({
    ...{ path, logger, maxViews: MAX_VIEWS },
    definition: {
      codec: keyValueCodec,
      tables: KINDS,
      apply: (tables, command, context) => applyAndRecord(new LmdbState(tables), command, context, history),
    },
  });
  const hold = () => {
    const view = lmdb.view();
    return { keys: keysOf(view.tables), renew: () => view.renew(), release: () => view.release() };
  };
  const machine = new WatchedMachine(lmdb, history, (tables) => ({ keys: keysOf(tables), hold }));
  return { machine, close: () => lmdb.close() };
}
