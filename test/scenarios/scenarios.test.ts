/**
 * Runs the scenarios beside this file, and holds the table of references against them. With `QUORATE_REWRITE=1` the
 * outputs and the lines in the table are written anew instead, which is for a person who then reads every one of them:
 * they are the specification, and must never be rewritten where nobody looks.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseDataFile, renderDataFile } from './support/data-driven.js';
import { header, REFERENCES, rewriteLines, tableFaults } from './support/references.js';
import { type Outcome, runScenario } from './support/run-scenario.js';

const folder = import.meta.dirname;
const root = join(folder, '..', '..');
const table = join(folder, 'references.md');
const isWanted = process.env.QUORATE_REWRITE === '1';
const isCi = (process.env.CI ?? '') !== '';
const rewrites = isWanted && !isCi;
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));
let commands = 0;

const scenario = (name: string) => readFileSync(join(folder, name), 'utf8');
const read = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : null);

function explain(name: string, { directive, actual }: Outcome): string {
  const { line, command, expected } = directive;
  return [`${name}:${line}: ${command}`, 'expected:', ...expected, 'printed:', ...actual].join('\n');
}

it('is not asked to rewrite anything in CI', () => {
  expect(isWanted && isCi).toBe(false);
});

describe('the scenario', () => {
  afterAll(() => console.log(`${names.length} scenarios, ${commands} commands`));

  it.each(names)('%s', (name) => {
    const file = parseDataFile(scenario(name));
    const outcomes = runScenario(file);
    commands += outcomes.length;
    expect(outcomes.length).toBeGreaterThan(0);
    if (rewrites) {
      const outputs = outcomes.map(({ actual }) => actual);
      writeFileSync(join(folder, name), renderDataFile(file, outputs));
      return;
    }
    const failed = outcomes.find(({ passed }) => !passed);
    if (failed !== undefined) expect.unreachable(explain(name, failed));
  });

  it.each(names)('%s begins by saying what goes wrong elsewhere', (name) => {
    const comment = header(scenario(name));
    expect(comment).toMatch(/^# References: /);
    expect(comment.split('\n').length).toBeGreaterThanOrEqual(3);
    const numbers = [...REFERENCES, ...Array.from({ length: 12 }, (_, i) => `R${i + 1}`)];
    expect(numbers.filter((number) => new RegExp(`\\b${number}\\b`).test(comment))).not.toEqual([]);
  });
});

describe('the table of references', () => {
  it('has every reference once, and every place in it exists and speaks of it', () => {
    if (rewrites) writeFileSync(table, rewriteLines(readFileSync(table, 'utf8'), read));
    expect(REFERENCES).toHaveLength(64);
    expect(tableFaults(readFileSync(table, 'utf8'), read)).toEqual([]);
  });

  const text = readFileSync(table, 'utf8');
  const row = (reference: string) => text.split('\n').find((line) => line.startsWith(`| ${reference} |`)) as string;
  const P4 = row('P4');

  it.each([
    ['a row is gone', text.replace(`${P4}\n`, ''), /P4 stands in the table 0 times/],
    ['a row is there twice', `${text}${P4}\n`, /P4 stands in the table 2 times/],
    ['a row is of nothing known', `${text}${P4.replace('P4', 'P38')}\n`, /P38 is no reference/],
    ['a scenario does not exist', text.replace('learners.txt', 'nobody.txt'), /there is no nobody\.txt/],
    [
      'a line says nothing of it',
      text.replace(/first-commit-of-term\.txt:\d+/, 'first-commit-of-term.txt:6'),
      /line 6/,
    ],
    ['a scenario is of others', text.replace(P4, P4.replace(/`.*`/, '`restart.txt:1`')), /does not name it/],
    ['a test does not exist', text.replace('test/node/applier.test.ts', 'test/node/none.test.ts'), /there is no test/],
    [
      'a test has another name',
      text.replace('wakes for every kind', 'wakes for any kind'),
      /has no test "wakes for any/,
    ],
    [
      'a reason is missing',
      text.replace(/Not yet: [^|]+/, 'Not yet. '),
      /neither a scenario, nor a test, nor a reason/,
    ],
  ])('is at fault when %s', (_what, changed, fault) => {
    expect(changed).not.toBe(text);
    expect(tableFaults(changed, read)).toEqual(expect.arrayContaining([expect.stringMatching(fault)]));
  });
});
