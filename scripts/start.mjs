/**
 * `npm start`: installs and builds what is missing, then becomes `quorate cluster` with the arguments given. The
 * command runs in this very process, so that a signal reaches it once and its exit code is ours; nothing here may catch
 * a signal.
 */
import { pathToFileURL } from 'node:url';
import { commandPath, prepare } from './workspace.mjs';

prepare();
process.argv = [process.execPath, commandPath, 'cluster', ...process.argv.slice(2)];
await import(pathToFileURL(commandPath).href);
