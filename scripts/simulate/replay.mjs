/** Runs one seed twice and compares; when it fails its whole trace goes to a file in the system's temporary folder. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { difference, parting, runWorld } from './run-world.mjs';

export async function replay(run) {
  run.current = run.seed;
  const options = { keepTrace: true, stacks: true };
  const one = await runWorld(run.simulator, run.seed, { stacks: true });
  const other = await runWorld(run.simulator, run.seed, options);
  await setImmediate();
  run.totals.add(one.report);
  run.crash ??= one.crash ?? other.crash;
  if (run.crash !== null) return;
  const found = [other.violation ?? one.violation, difference(run.seed, one, other)].filter(Boolean);
  if (found.length === 0) return;
  const again = found.at(-1).rule === 'determinism' ? await runWorld(run.simulator, run.seed, options) : null;
  const files = [write(run.seed, '', other.lines)];
  if (again !== null) {
    files.push(write(run.seed, '-again', again.lines));
    found.at(-1).trace = parting(other.lines, again.lines);
  }
  run.violations.push(...found.map((violation) => ({ ...violation, files })));
}

function write(seed, suffix, lines) {
  const file = join(mkdtempSync(join(tmpdir(), 'quorate-simulate-')), `seed-${seed}${suffix}.txt`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
