/**
 * What `npm test` says at its end: how many tests passed, failed and were skipped. It must never say that none failed
 * when vitest has not said so.
 */

/** Counts tests; a file that could not be loaded, and an error outside any test, count as one failure. */
export function countTests(result, exitCode) {
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

/** `N passed, N failed`, and `, N skipped` when some were. */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped.length === 0 ? '' : `, ${skipped.length} skipped`}`;
}
