/**
 * The table of mutants in short: every patch applies and says what it breaks, every rule has its two, and the runner
 * tells a bug that was caught from one that survived and from a suite that broke. The long form is `npm run mutants`.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseMutant, readMutants, rulesInNeed } from '../../scripts/mutants/mutant.mjs';
import { readNotBuilt } from '../../scripts/mutants/not-built.mjs';
import { judgeSimulation, judgeTest } from '../../scripts/mutants/verdict.mjs';
import { applyPatch, makeCopy, removeCopy } from '../../scripts/mutants/working-copy.mjs';
import { whyInstall } from '../../scripts/workspace.mjs';
import { eventually } from '../support/wait.js';
import { exists, read, root } from '../tidy/repository.js';

const folder = join(root, 'test/mutants');
const mutants = readMutants(folder);

describe('the mutants', () => {
  let copy: string;
  beforeAll(async () => {
    copy = await makeCopy(root);
  });
  afterAll(() => removeCopy(copy));

  it.each(mutants.map(({ name }) => name))('apply to the sources as they are: %s', async (name) => {
    expect(await applyPatch(copy, join(folder, `${name}.patch`), { check: true })).toBeNull();
  });

  it('are put into a copy that has everything installed, and packages of its own', () => {
    expect(whyInstall(copy)).toBeNull();
    for (const name of ['quorate', 'quorate-server']) {
      expect(realpathSync(join(copy, 'node_modules', name)).startsWith(realpathSync(copy)), name).toBe(true);
    }
  });

  it('are small: at most twelve lines come or go', () => {
    for (const { name } of mutants) {
      const changed = read(`test/mutants/${name}.patch`).match(/^[+-](?![+-])/gm) ?? [];
      expect(changed.length, name).toBeLessThanOrEqual(12);
      expect(changed.length, name).toBeGreaterThan(0);
    }
  });

  it('never throw: a bug that announces itself shows nothing', () => {
    for (const { name } of mutants) {
      const throwing = (sign: string) =>
        read(`test/mutants/${name}.patch`).match(new RegExp(`^\\${sign}.*(\\bthrow\\b|\\binvariant\\()`, 'gm')) ?? [];
      expect(throwing('+').length, name).toBeLessThanOrEqual(throwing('-').length);
    }
  });

  it.each(rulesInNeed)('break every rule of the read path in two ways at least: %s', (rule) => {
    expect(mutants.filter((mutant) => mutant.rule === rule).length).toBeGreaterThanOrEqual(2);
  });

  it('name tests that exist', () => {
    for (const { name, test } of mutants) expect(test === null || exists(test), name).toBe(true);
  });

  it('are built as soon as what they break is', () => {
    const items = readNotBuilt(root);
    expect(items.length).toBeGreaterThan(0);
    expect(items.filter(({ fault }) => fault !== null)).toEqual([]);
  });
});

const diff = `diff --git a/packages/quorate/src/core/x.ts b/packages/quorate/src/core/x.ts
--- a/packages/quorate/src/core/x.ts
+++ b/packages/quorate/src/core/x.ts
@@ -1 +1 @@
-export const bug = false;
+export const bug = true;
`;

describe('the header of a mutant', () => {
  const header = '# Rule: R3\n# What: It is broken.\n';

  it('says what is broken, and what has to catch it', () => {
    expect(parseMutant('x', header + diff)).toMatchObject({ name: 'x', rule: 'R3', what: 'It is broken.', test: null });
    const test = '# Needs: test test/core/log.test.ts\n# Why: a reason\n';
    expect(parseMutant('x', header + test + diff).test).toBe('test/core/log.test.ts');
  });

  it.each([
    ['no rule', `# What: It is broken.\n${diff}`],
    ['a rule that does not exist', `# Rule: R13\n# What: It is broken.\n${diff}`],
    ['no sentence', `# Rule: R3\n# What: broken\n${diff}`],
    ['a line that nobody knows', `${header}# Whatever: x\n${diff}`],
    ['no diff', header],
    ['a change to a test', header + diff.replaceAll('packages/quorate/src/core', 'test/core')],
    ['a test without a reason', `${header}# Needs: test test/core/log.test.ts\n${diff}`],
  ])('is refused with %s', (_fault, text) => {
    expect(() => parseMutant('x', text)).toThrow('the mutant x is not complete');
  });
});

describe('what is not built', () => {
  let project: string;
  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'quorate-not-built-'));
    mkdirSync(join(project, 'test/mutants'), { recursive: true });
    mkdirSync(join(project, 'src/deep'), { recursive: true });
    writeFileSync(join(project, 'src/deep/x.ts'), 'export class Lease {}\n');
  });
  afterEach(() => rmSync(project, { recursive: true }));

  function faultOf(item: object): string | null {
    const text = JSON.stringify([{ name: 'x', rule: 'R10', reason: 'why', ...item }]);
    writeFileSync(join(project, 'test/mutants/not-built.json'), text);
    return readNotBuilt(project)[0]?.fault ?? null;
  }

  it('is well until its feature exists', () => {
    expect(faultOf({ feature: { files: 'src', pattern: 'class Snapshot' } })).toBeNull();
    expect(faultOf({ feature: { files: 'src', pattern: 'class Lease' } })).toContain('src/deep/x.ts');
  });

  it('is a fault when its probe looks at nothing, and when there is a patch', () => {
    expect(faultOf({ feature: { files: 'moved', pattern: 'x' } })).toContain('does not exist');
    expect(faultOf({ feature: { files: 'src' } })).toContain('lacks');
    writeFileSync(join(project, 'test/mutants/x.patch'), '');
    expect(faultOf({ feature: { files: 'src', pattern: 'none' } })).toContain('it is built');
  });
});

describe('a verdict', () => {
  const run = { exitCode: 1, stdout: '', stderr: '', timedOut: false };
  const simulation = (exitCode: number, result: object) =>
    judgeSimulation({ ...run, exitCode, stdout: `some text\n${JSON.stringify(result)}\n` });

  it('is caught for a violation, with the rule and the seed', () => {
    const violations = [{ seed: 11, rule: 'read freshness', message: 'a stale read' }];
    expect(simulation(1, { ok: false, seeds: 11, violations })).toEqual({
      ...{ kind: 'caught', by: 'read freshness', seeds: 11 },
    });
  });

  it('is survived only for a clean end', () => {
    expect(simulation(0, { ok: true, seeds: 500, violations: [] })).toEqual({ kind: 'survived', seeds: 500 });
    expect(simulation(2, { ok: true, seeds: 500, violations: [] }).kind).toBe('crashed');
  });

  it('is crashed when the run breaks, whatever its exit code', () => {
    expect(judgeSimulation({ ...run, stderr: 'TypeError: x is not a function' }).kind).toBe('crashed');
    expect(judgeSimulation({ ...run, timedOut: true }).kind).toBe('crashed');
    expect(simulation(1, { ok: false, seeds: 3, violations: [] }).kind).toBe('crashed');
    const violations = [{ seed: 1, rule: 'no failure', message: 'TypeError: x is not a function' }];
    expect(simulation(1, { ok: false, seeds: 1, violations }).kind).toBe('crashed');
  });

  it('of a test is caught by an assertion, not by a file that does not load', () => {
    const report = (...tests: readonly object[]) => ({ testResults: [{ message: '', assertionResults: tests }] });
    const failed = { status: 'failed', fullName: 'a test', failureMessages: ['AssertionError: expected 1 to be 2'] };
    expect(judgeTest(run, report(failed))).toEqual({ kind: 'caught', by: 'a test', seeds: 0 });
    const broken = { ...failed, failureMessages: ['TypeError: x is not a function'] };
    expect(judgeTest(run, report(broken)).kind).toBe('crashed');
    expect(judgeTest(run, report()).kind).toBe('crashed');
    expect(judgeTest(run, null).kind).toBe('crashed');
    expect(judgeTest({ ...run, exitCode: 0 }, report({ ...failed, status: 'passed' })).kind).toBe('survived');
  });
});

describe('the run', () => {
  let project: string;
  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'quorate-mutants-'));
    cpSync(join(root, 'scripts'), join(project, 'scripts'), { recursive: true });
    mkdirSync(join(project, 'packages/quorate/src/core'), { recursive: true });
    mkdirSync(join(project, 'test/mutants'), { recursive: true });
    mkdirSync(join(project, 'node_modules'));
    const files = {
      'packages/quorate/src/core/x.ts': 'export const bug = false;\n',
      'test/mutants/a-bug.patch': `# Rule: R3\n# What: It is broken.\n\n${diff}`,
      'test/mutants/not-built.json': '[]',
      'package.json': '{ "type": "module" }',
      'package-lock.json': '{ "packages": {} }',
      'node_modules/.package-lock.json': '{ "packages": {} }',
    };
    for (const [path, text] of Object.entries(files)) writeFileSync(join(project, path), text);
    execFileSync('git', ['init', '--quiet'], { cwd: project });
  });
  afterEach(() => rmSync(project, { recursive: true }));

  /** A simulator that does `withBug` under the mutant, and `without` otherwise; returns the folder of the copies. */
  function prepare(withBug: string, without: string): string {
    const simulator = `
      import { readFileSync, writeFileSync } from 'node:fs';
      function finish(code, result) { console.log(JSON.stringify(result)); process.exitCode = code; }
      const bug = readFileSync('packages/quorate/src/core/x.ts', 'utf8').includes('true');
      if (bug) { ${withBug}; } else { ${without}; }`;
    writeFileSync(join(project, 'scripts/simulate.mjs'), simulator);
    writeFileSync(join(project, '.gitignore'), 'tmp/\nnode_modules/\n');
    mkdirSync(join(project, 'tmp'));
    return join(project, 'tmp');
  }

  const passes = `finish(0, { ok: true, seeds: 20, violations: [] })`;
  const command = ['scripts/mutants.mjs', '--seeds', '30'];

  function run(withBug: string, without = passes) {
    const copies = prepare(withBug, without);
    const { status, stdout, stderr } = spawnSync(process.execPath, command, {
      ...{ cwd: project, encoding: 'utf8', env: { ...process.env, TMPDIR: copies } },
    });
    expect(stderr).toBe('');
    expect(readdirSync(copies), 'copies left behind').toEqual([]);
    return { status, stdout };
  }

  const caught = `finish(1, { ok: false, seeds: 7, violations: [{ seed: 7, rule: 'log matching', message: 'no' }] })`;

  it('is good when the bug is caught and the copy without it passes', () => {
    const { status, stdout } = run(caught);
    expect(stdout).toMatch(/^a-bug +\| R3 +\| log matching \| 7$/m);
    expect(stdout).toContain('mutants: 1 caught, 0 survived, 0 crashed, 0 not built');
    expect(status).toBe(0);
  });

  it('fails for a bug that survives', () => {
    const { status, stdout } = run(`finish(0, { ok: true, seeds: 30, violations: [] })`);
    expect(stdout).toMatch(/^a-bug +\| R3 +\| SURVIVED +\| above 30$/m);
    expect(status).toBe(1);
  });

  it('fails for a bug that breaks the harness', () => {
    const { status, stdout } = run('undefined.property');
    expect(stdout).toMatch(/^a-bug +\| R3 +\| CRASHED: no result, exit code 1/m);
    expect(status).toBe(1);
  });

  it('fails when the suite fails without a bug', () => {
    const { status, stdout } = run(caught, caught);
    expect(stdout).toContain('without a mutant the suite fails: the simulator with 20 seeds: log matching');
    expect(status).toBe(1);
  });

  it('fails for a patch that does not apply any more', () => {
    writeFileSync(join(project, 'packages/quorate/src/core/x.ts'), 'export const other = false;\n');
    const { status, stdout } = run(caught);
    expect(stdout).toContain('CRASHED: the patch does not apply any more');
    expect(status).toBe(1);
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const copies = prepare(`writeFileSync('started', ''); setInterval(() => {}, 1_000)`, passes);
    const env = { ...process.env, TMPDIR: copies };
    const child = spawn(process.execPath, command, { cwd: project, env, stdio: 'ignore' });
    const ended = once(child, 'close');
    await eventually('the simulator', () =>
      readdirSync(copies).some((copy) => existsSync(join(copies, copy, 'started'))),
    );
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    expect(readdirSync(copies)).toEqual([]);
  });
});
