/**
 * `npm run bench -- [NAME] [options]` runs `bench/NAME.ts`, or every benchmark without a name, each in a process of its
 * own against the built packages. Each answers one question and prints a table. Exit code: 0, that of the first that
 * failed, or 2 for wrong use.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, root, runNode } from './workspace.mjs';

const [name, ...args] = process.argv.slice(2);
const names = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace(/\.ts$/, ''))
  .sort();

if (name !== undefined && !names.includes(name)) {
  console.error(`there is no benchmark ${name}; there are: ${names.join(', ')}`);
  process.exitCode = 2;
} else {
  prepare();
  for (const each of name === undefined ? names : [name]) {
    console.log(`bench/${each}.ts`);
    const exitCode = await runNode(['--import', './scripts/typescript.mjs', `bench/${each}.ts`, ...args]);
    process.exitCode ||= exitCode;
  }
}
