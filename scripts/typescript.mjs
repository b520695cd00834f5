/**
 * `node --import ./scripts/typescript.mjs FILE.ts` runs TypeScript on every supported version of Node. Importing this
 * file switches it on for the process; stack traces name the lines of the TypeScript files. It must never be part of a
 * package.
 */
import { register } from 'node:module';

process.setSourceMapsEnabled(true);
register('./typescript-hooks.mjs', import.meta.url);
