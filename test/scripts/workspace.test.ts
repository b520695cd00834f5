/** When the scripts install: whenever something is missing or has another version, and never otherwise. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { whyInstall } from '../../scripts/workspace.mjs';

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
