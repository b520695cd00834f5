/**
 * `npm run verify`: format, lint, types, tidy and package checks. It changes nothing but `dist/` and temporary folders
 * (`npm run fix` writes), runs every check even after one has failed, and exits with 1 when any did.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from './pack.mjs';
import { prepare, root, runNode } from './workspace.mjs';

const bin = (path) => join(root, 'node_modules', path);

const colors = process.stdout.isTTY ? [] : ['--colors=off'];

const checks = {
  format: () => runNode([bin('@biomejs/biome/bin/biome'), 'ci', ...colors, '.']),
  // Biome's rules have no types; these two need them, to find promises that nobody handles.
  lint: () => runNode([bin('oxlint/bin/oxlint'), '--type-aware', '--deny-warnings', 'packages', 'test', 'bench']),
  types: () => runNode([bin('typescript/bin/tsc'), '-p', 'tsconfig.json']),
  tidy: () => runNode([bin('vitest/vitest.mjs'), 'run', 'test/tidy']),
  packages: checkPackages,
};

async function checkPackages() {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-verify-'));
  try {
    let failed = 0;
    for (const { tarball } of pack(folder)) {
      failed += await runNode([bin('publint/src/cli.js'), 'run', tarball, '--strict']);
      // The packages are ESM only; `require()` of ESM works in every version of Node that they support.
      failed += await runNode([bin('@arethetypeswrong/cli/dist/index.js'), tarball, '--profile', 'esm-only']);
    }
    return failed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

prepare();
const failed = [];
for (const [name, check] of Object.entries(checks)) {
  console.log(`\nverify: ${name}`);
  if ((await check()) !== 0) failed.push(name);
}
console.log(failed.length === 0 ? '\nverify: ok' : `\nverify: failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
