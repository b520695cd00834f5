/**
 * A mutant: a known bug as a patch against the sources, with what is known of it in the lines above the diff. A patch
 * must never say less than its rule and what it breaks.
 *
 *   # Rule: R3
 *   # What: one sentence that says what is broken.
 *   # Needs: test test/path.test.ts      (left out: `npm run simulate` has to catch it)
 *   # Why: what a simulator cannot see in it   (with `Needs: test` only)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The rules of the read path that need two mutants each. R10 (leases) and R12 are held by other lists. */
export const rulesInNeed = ['R1', 'R2', 'R3', 'R4', 'R5', 'R6', 'R7', 'R8', 'R9', 'R11'];

/** The rules that a mutant may break: those of the read path, the paper's, and what errors promise of an outcome. */
const knownRule = /^(R([1-9]|1[0-2])|Raft \d(\.\d)*|errors)$/;

/** The folders that a mutant may change. */
const patchable = /^packages\/(quorate\/src\/(core|reads|node|engines)|server\/src\/store)\//;

/** Every mutant of the folder, by name. Throws an Error that names the patch and what its header lacks. */
export function readMutants(folder) {
  const files = readdirSync(folder).filter((file) => file.endsWith('.patch'));
  return files
    .sort()
    .map((file) => parseMutant(file.replace(/\.patch$/, ''), readFileSync(join(folder, file), 'utf8')));
}

/** Throws an Error when the text is no patch with a complete header. */
export function parseMutant(name, text) {
  const fields = new Map();
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith('diff --git '));
  if (start === -1) throw fault(name, 'it holds no diff');
  for (const line of lines.slice(0, start)) {
    const field = /^# (Rule|What|Needs|Why): (.+)$/.exec(line);
    if (field === null && line !== '') throw fault(name, `this line of its header is unknown: ${line}`);
    if (field !== null) fields.set(field[1], field[2]);
  }
  const rule = fields.get('Rule') ?? '';
  if (!knownRule.test(rule)) throw fault(name, `it names no rule, or an unknown one: ${JSON.stringify(rule)}`);
  const what = fields.get('What') ?? '';
  if (!what.endsWith('.')) throw fault(name, 'it does not say in a sentence what is broken');
  const files = lines.slice(start).flatMap((line) => /^\+\+\+ b\/(.+)$/.exec(line)?.[1] ?? []);
  const foreign = files.find((file) => !patchable.test(file));
  if (files.length === 0 || foreign !== undefined) throw fault(name, `it changes ${foreign ?? 'nothing'}`);
  return { name, rule, what, files, test: readNeeds(name, fields) };
}

/** The test that has to catch the mutant; null when the simulator has to. */
function readNeeds(name, fields) {
  const needs = fields.get('Needs') ?? 'simulate';
  if (needs === 'simulate') return null;
  const test = /^test (test\/\S+\.test\.ts)$/.exec(needs)?.[1];
  if (test === undefined) throw fault(name, `it needs something unknown: ${needs}`);
  if (!fields.has('Why')) throw fault(name, 'it does not say why no simulator can catch it');
  return test;
}

function fault(name, what) {
  return new Error(`the mutant ${name} is not complete: ${what}`);
}
