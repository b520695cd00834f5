/**
 * The packages as their users get them: packed, installed into an empty folder, every entry point imported and
 * required, and the command asked for its version. It must never look into the repository for what the packages have to
 * bring themselves.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npm, pack } from './pack.mjs';
import { prepare, root } from './workspace.mjs';

prepare();
console.log(`packages: installed and loaded under Node ${process.version}`);
const folder = mkdtempSync(join(tmpdir(), 'quorate-packages-'));
try {
  checkInstalled(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function checkInstalled(folder) {
  const packed = pack(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const tarballs = packed.map(({ tarball }) => tarball);
  npm(['install', '--no-audit', '--no-fund', '--ignore-scripts', ...tarballs, ...optionalPeers(packed)], folder);
  for (const { manifest } of packed) {
    for (const entry of Object.keys(manifest.exports)) checkEntryPoint(folder, `${manifest.name}${entry.slice(1)}`);
  }
  const version = execFileSync('npx', ['--no-install', 'quorate', '--version'], {
    cwd: folder,
    encoding: 'utf8',
  }).trim();
  console.log(`npx quorate --version: ${version}`);
  const expected = packed.at(-1).manifest.version;
  if (version !== expected) throw new Error(`the command says version ${version}, its package is ${expected}`);
}

/** Whoever uses the entry point that needs one installs it; here in the version that the tests run with. */
function optionalPeers(packed) {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const names = packed.flatMap(({ manifest }) => Object.keys(manifest.peerDependencies ?? {}));
  return names.map((name) => `${name}@${devDependencies[name]}`);
}

/** Both ways must give the same names: a package that loads twice would have two of each class. */
function checkEntryPoint(folder, specifier) {
  const isJson = specifier.endsWith('.json');
  const attributes = isJson ? ", { with: { type: 'json' } }" : '';
  const program = `
    const required = require('${specifier}');
    import('${specifier}'${attributes}).then((imported) => {
      const same = ${isJson} ? imported.default.name === required.name : imported === required;
      if (!same) throw new Error('import and require of ${specifier} differ');
      console.log('${specifier}: imported and required, ' + Object.keys(required).length + ' names');
    });`;
  execFileSync(process.execPath, ['--no-warnings', '-e', program], { cwd: folder, stdio: ['ignore', 1, 2] });
}
