/**
 * `npm test`: installs and builds what is missing, runs the tests (arguments go to vitest), and closes with the line
 * `N passed, N failed`, with `, N skipped` when some were. It must never report success that vitest did not report.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closingLine, countTests } from './closing-line.mjs';
import { prepare, root, runNode } from './workspace.mjs';

// Until vitest has said otherwise: an installation or a build that fails is a failure, too.
let counts = { passed: 0, failed: 1, skipped: [] };
process.on('exit', () => console.log(closingLine(counts)));
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
counts = countTests(existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : null, exitCode);
rmSync(folder, { recursive: true, force: true });

for (const name of counts.skipped) console.log(`skipped: ${name}`);
process.exitCode = counts.failed > 0 && exitCode === 0 ? 1 : exitCode;
