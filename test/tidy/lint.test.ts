/**
 * Shows that the lint of `npm run verify` sees promises that nobody handles: it has found none in the sources for a
 * reason. The samples live in a temporary folder, for the sources must never hold such code.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './repository.js';

const tsconfig = { extends: join(root, 'tsconfig.base.json'), compilerOptions: { noEmit: true }, include: ['src'] };

/** The names of the rules that the lint of the repository finds broken in the text. */
function lint(text: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-lint-'));
  try {
    mkdirSync(join(folder, 'src'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
    writeFileSync(join(folder, 'src/sample.ts'), text);
    const config = ['--config', join(root, '.oxlintrc.json'), '--type-aware', '--format', 'unix', 'src'];
    const command = [join(root, 'node_modules/oxlint/bin/oxlint'), ...config];
    const { stdout, stderr } = spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8' });
    expect(stderr).toBe('');
    return [...stdout.matchAll(/\[\w+\/([^\]]+)\]/g)].map((match) => match[1] as string);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it('the lint finds a promise that nobody waits for', () => {
  expect(lint('async function write(): Promise<void> {}\nwrite();\n').join()).toContain('no-floating-promises');
});

it('the lint finds a promise used as a condition, and one returned where nothing is expected', () => {
  const found = lint('async function held(): Promise<boolean> { return false; }\nexport const x = held() ? 1 : 2;\n');
  expect(found.join()).toContain('no-misused-promises');
  const callback = lint('setTimeout(async () => { await Promise.resolve(); }, 1);\n');
  expect(callback.join()).toContain('no-misused-promises');
});

it('the lint lets through a promise that is waited for', () => {
  expect(lint('async function write(): Promise<void> {}\nawait write();\n')).toEqual([]);
});
