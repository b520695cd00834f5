/**
 * `npm test`: installs and builds what is missing, runs the tests (arguments go to vitest), and closes with the line
 * `N passed, N failed`, with `, N skipped` when some were. It must never report success that vitest did not report.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, root, runNode } from './workspace.mjs';

prepare();
const folder = mkdtempSync(join(tmpdir(), 'quorate-test-'));
const resultFile = join(folder, 'result.json');
const args = process.argv.slice(2);
const reporters = args.some((arg) => arg.startsWith('--reporter')) ? [] : ['--reporter=default'];
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
// Ctrl-C reaches vitest by itself; this process stays to say how far it came.
process.on('SIGINT', () => {});
const exitCode = await runNode([
  vitest,
  'run',
  ...reporters,
  '--reporter=json',
  `--outputFile.json=${resultFile}`,
  ...args,
]);
const counts = count(existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : null, exitCode);
rmSync(folder, { recursive: true, force: true });

for (const name of counts.skipped) console.log(`skipped: ${name}`);
const skipped = counts.skipped.length === 0 ? '' : `, ${counts.skipped.length} skipped`;
process.exitCode = counts.failed > 0 && exitCode === 0 ? 1 : exitCode;
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);

/** Counts tests; a file that could not be loaded, and an error outside any test, count as one failure. */
function count(result, exitCode) {
  const total = { passed: 0, failed: 0, skipped: [] };
  for (const file of result?.testResults ?? []) {
    const before = total.failed;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') total.passed += 1;
      else if (test.status === 'failed') total.failed += 1;
      else total.skipped.push(test.fullName);
    }
    if (file.status === 'failed' && total.failed === before) total.failed += 1;
  }
  if (exitCode !== 0 && total.failed === 0) total.failed = 1;
  return total;
}
