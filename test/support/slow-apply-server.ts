/**
 * `quorate serve` whose state machine takes its time to apply while the node follows: QUORATE_TEST_APPLY_DELAY_MS for
 * each batch. It shows whether reads wait for the state, and must otherwise be the server as it ships.
 */
import { parseArgs } from 'node:util';
import { startServer } from '../../packages/server/dist/index.js';
import { withApply } from './state-machine/with-apply.js';

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    id: { type: 'string', default: '' },
    'data-dir': { type: 'string', default: '' },
    listen: { type: 'string', default: '' },
    peers: { type: 'string', default: '' },
    cluster: { type: 'string', default: '' },
  },
});
const delayMs = Number(process.env.QUORATE_TEST_APPLY_DELAY_MS);
let follows = () => false;

const server = await startServer({
  id: values.id,
  dataDir: values['data-dir'],
  listen: values.listen,
  cluster: values.cluster,
  peers: Object.fromEntries(values.peers.split(',').map((peer) => peer.split('=') as [string, string])),
  wrapStateMachine: (machine) =>
    withApply(machine, (entries) => {
      const end = performance.now() + (follows() ? delayMs : 0);
      while (performance.now() < end);
      return machine.apply(entries);
    }),
});
follows = () => server.store.status().role === 'follower';
process.once('SIGTERM', () => {
  server.close().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
