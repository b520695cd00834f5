/**
 * `npm run acceptance -- NAME [--minutes M | --rounds N | ...]` runs one judged scenario on real server processes.
 * Standard output is exactly one line of JSON; all else goes to standard error. Exit code: 0 ok, 1 not ok, 2 wrong use.
 *
 * A scenario is a module `test/acceptance/NAME.ts` that exports
 *   `defaults`: its options with their default values, `{ rounds: 10_000 }` for `--rounds`;
 *   `run(options, { progress, signal })`: resolves to an object that JSON can hold, with `ok: boolean`.
 *     `progress(text)` tells people how far it is; `signal` fires on Ctrl-C. It ends every process that it started,
 *     whatever happens.
 * Helpers of scenarios live in folders below `test/acceptance/`, or in `test/support/`.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readOptions, runCommand, UsageError } from './options.mjs';
import { build, installMissing, root } from './workspace.mjs';

/** How long a scenario that has answered may take to let go of its sockets and processes. */
const releaseMs = 10_000;

const folder = join(root, 'test/acceptance');
const [name, ...args] = process.argv.slice(2);
await runCommand(main);

async function main() {
  const names = scenarioNames();
  if (name === undefined || !names.includes(name)) {
    const fault = name === undefined ? 'no scenario is named' : `there is no scenario ${name}`;
    throw new UsageError(`${fault}; there are: ${names.join(', ')}`);
  }
  installMissing();
  build();
  await import('./typescript.mjs');
  const scenario = await import(pathToFileURL(join(folder, `${name}.ts`)).href);
  report(await judge(scenario, readOptions(args, scenario.defaults)));
}

function scenarioNames() {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  return files.map((file) => file.replace(/\.ts$/, '')).sort();
}

async function judge(scenario, options) {
  // What a scenario or the library prints must not end up beside the result.
  console.log = console.error;
  console.info = console.error;
  const ended = new AbortController();
  const interrupt = () => ended.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const { promise: unexpected, listener } = uncaughtException(ended);
  const startedAt = performance.now();
  const context = { progress: (text) => process.stderr.write(`${text}\n`), signal: ended.signal };
  let result;
  try {
    result = await Promise.race([scenario.run(options, context), unexpected]);
    if (typeof result?.ok !== 'boolean') throw new TypeError(`the scenario ${name} did not say whether it is ok`);
  } catch (error) {
    console.error(error);
    result = { ok: false, error: error instanceof Error ? error.message : String(error) };
  } finally {
    process.off('uncaughtException', listener);
  }
  return { scenario: name, ...result, seconds: Math.round((performance.now() - startedAt) / 100) / 10 };
}

/** An error that nobody caught ends the scenario and makes it fail. */
function uncaughtException(ended) {
  let listener;
  const promise = new Promise((_resolve, reject) => {
    listener = (error) => {
      ended.abort(error);
      reject(error);
    };
    process.once('uncaughtException', listener);
  });
  return { promise, listener };
}

function report(result) {
  process.exitCode = result.ok ? 0 : 1;
  process.stdout.write(`${JSON.stringify(result)}\n`);
  const release = setTimeout(() => {
    console.error(`the scenario left behind: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, releaseMs);
  release.unref();
}
