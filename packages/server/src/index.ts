/** The server as a library: what tests and programs that embed it need. */

export { type Server, type ServerOptions, startServer } from './server.js';
export type { KeyValueCommand, KeyValueResult } from './store/command.js';
export type { KeyValueMachine, StoreKind } from './store/key-value-machine.js';
export type { KeyValueView } from './store/key-value-state.js';
export type { Store } from './store/store.js';
