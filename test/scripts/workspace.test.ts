/** When the scripts install: whenever something is missing or has another version, and never otherwise. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { whyInstall } from '../../scripts/workspace.mjs';
import { root } from '../tidy/repository.js';

const wanted = {
  '': { name: 'root' },
  'node_modules/needed': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/other-platform': { version: '1.0.0', integrity: 'sha512-b', optional: true },
};
const installed = { 'node_modules/needed': wanted['node_modules/needed'] };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-workspace-'));
  mkdirSync(join(folder, 'node_modules/needed'), { recursive: true });
  writeFileSync(join(folder, 'node_modules/needed/package.json'), '{}');
  lock('package-lock.json', wanted);
  lock('node_modules/.package-lock.json', installed);
});
afterEach(() => rmSync(folder, { recursive: true }));

function lock(path: string, packages: object): void {
  writeFileSync(join(folder, path), JSON.stringify({ packages }));
}

it('not when everything is there, but for packages of other platforms', () => {
  expect(whyInstall(folder)).toBeNull();
});

it('on a fresh clone, and after an installation that was interrupted', () => {
  rmSync(join(folder, 'node_modules/.package-lock.json'));
  expect(whyInstall(folder)).toBe('nothing is installed yet');
});

it('when a pull has changed a version', () => {
  lock('package-lock.json', { ...wanted, 'node_modules/needed': { version: '1.0.1', integrity: 'sha512-c' } });
  expect(whyInstall(folder)).toBe('node_modules/needed has another version');
});

it('when a pull has brought a dependency', () => {
  lock('package-lock.json', { ...wanted, 'node_modules/new': { version: '1.0.0', integrity: 'sha512-d' } });
  expect(whyInstall(folder)).toBe('node_modules/new is missing');
});

it('when a package was removed by hand', () => {
  rmSync(join(folder, 'node_modules/needed'), { recursive: true });
  expect(whyInstall(folder)).toBe('node_modules/needed was removed');
});

it.each(['.', 'packages/quorate', 'packages/server'])('never through a link, which npm would empty: %s', (place) => {
  const shared = join(folder, 'shared');
  mkdirSync(shared);
  writeFileSync(join(shared, 'kept'), '');
  rmSync(join(folder, 'node_modules'), { recursive: true });
  mkdirSync(join(folder, place), { recursive: true });
  symlinkSync(shared, join(folder, place, 'node_modules'));
  cpSync(join(root, 'scripts/workspace.mjs'), join(folder, 'scripts/workspace.mjs'));
  const install = "import { installMissing } from './scripts/workspace.mjs'; installMissing();";
  // Without a PATH there is no npm that a mistake could start.
  const args = ['--input-type=module', '--eval', install];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, env: { PATH: '' }, encoding: 'utf8' });
  expect(stderr).toContain(`${join(realpathSync(folder), place, 'node_modules')} is a symbolic link`);
  expect(stderr).toContain('remove the link, then start again');
  expect(stderr).not.toContain('installing');
  expect(readdirSync(shared)).toEqual(['kept']);
  expect(status).toBe(1);
});
