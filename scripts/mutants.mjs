/**
 * `npm run mutants [-- --only NAME[,NAME]] [--seeds 500] [--check-types] [--json]`: puts known bugs back into a copy of
 * the repository, one at a time, and prints what catches each. Exit code: 0 when every mutant is caught by a check and
 * the copy without any passes, 1 otherwise, 2 for wrong use. It must never change the working tree.
 */
import { join } from 'node:path';
import { readMutants } from './mutants/mutant.mjs';
import { readNotBuilt } from './mutants/not-built.mjs';
import { Progress } from './mutants/progress.mjs';
import { runMutants } from './mutants/run-mutants.mjs';
import { summary, table } from './mutants/table.mjs';
import { readOptions, runCommand, UsageError } from './options.mjs';
import { installMissing, root } from './workspace.mjs';

const defaults = { only: '', seeds: 500, minutes: 30, checkTypes: false, json: false };

await runCommand(main);

async function main() {
  const options = readOptions(process.argv.slice(2), defaults);
  const mutants = chosen(readMutants(join(root, 'test/mutants')), options.only);
  installMissing();
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const progress = new Progress(mutants.length, options.json ? process.stderr : process.stdout);
  let result;
  try {
    result = await runMutants(mutants, {
      ...{ root, seeds: options.seeds, checkTypes: options.checkTypes, timeoutMs: options.minutes * 60_000 },
      signal: interrupted.signal,
      settled: (row) => progress.settled(row),
    });
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    process.exitCode = 130;
    return;
  } finally {
    progress.end();
  }
  report({ ...result, notBuilt: readNotBuilt(root) }, options.json);
}

function chosen(mutants, only) {
  if (only === '') return mutants;
  return only.split(',').map((name) => {
    const mutant = mutants.find((one) => one.name === name);
    if (mutant !== undefined) return mutant;
    throw new UsageError(`there is no mutant ${name}; there are: ${mutants.map((one) => one.name).join(', ')}`);
  });
}

function report(result, asJson) {
  const { ok, text } = summary(result);
  process.exitCode = ok ? 0 : 1;
  if (!asJson) {
    console.log(`${table(result)}\n\n${text}`);
    return;
  }
  console.error(text);
  const mutants = result.rows.map(({ name, rule, verdict }) => ({ name, rule, ...verdict }));
  console.log(JSON.stringify({ ok, mutants, unpatched: result.unpatched, notBuilt: result.notBuilt }));
}
