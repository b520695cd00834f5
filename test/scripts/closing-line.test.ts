/** What `npm test` says at its end, for every way in which a run can end. */
import { expect, it } from 'vitest';
import { closingLine, countTests } from '../../scripts/closing-line.mjs';

const file = (status: string, ...tests: readonly string[]) => ({
  status,
  assertionResults: tests.map((test, i) => ({ status: test, fullName: `test ${i}` })),
});

const line = (testResults: readonly unknown[] | null, exitCode: number) =>
  closingLine(countTests(testResults === null ? null : { testResults }, exitCode));

it('counts the tests of all files', () => {
  expect(line([file('passed', 'passed', 'passed'), file('passed', 'passed')], 0)).toBe('3 passed, 0 failed');
  expect(line([file('failed', 'passed', 'failed')], 1)).toBe('1 passed, 1 failed');
});

it('says how many were skipped, whatever the reason', () => {
  expect(line([file('passed', 'passed', 'pending', 'skipped', 'todo')], 0)).toBe('1 passed, 0 failed, 3 skipped');
});

it('counts a file that could not be loaded as a failure', () => {
  expect(line([file('failed'), file('passed', 'passed')], 1)).toBe('1 passed, 1 failed');
});

it('never says that none failed when vitest ended badly', () => {
  expect(line([file('passed', 'passed')], 1)).toBe('1 passed, 1 failed');
  expect(line([], 1)).toBe('0 passed, 1 failed');
  expect(line(null, 130)).toBe('0 passed, 1 failed');
});
