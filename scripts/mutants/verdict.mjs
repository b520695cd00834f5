/**
 * What a run under a mutant has shown: it was caught by a check, it survived, or the run itself broke. A crash of the
 * harness must never count as caught: it says nothing of whether the suite would see the bug.
 *
 * A verdict is `{ kind: 'caught', by, seeds }`, `{ kind: 'survived', seeds }` or `{ kind: 'crashed', why }`.
 */

/** Mistakes of a program, which no check makes. An InvariantViolation is none: it ships as an assertion. */
const programError = /\b(TypeError|ReferenceError|SyntaxError|RangeError|Maximum call stack|ERR_MODULE_NOT_FOUND)\b/;

/** `run` is `{ exitCode, stdout, stderr, timedOut }` of `npm run simulate -- --json`. */
export function judgeSimulation(run) {
  if (run.timedOut) return { kind: 'crashed', why: 'it did not come to an end' };
  const result = lastLineAsJson(run.stdout);
  if (result === null) return { kind: 'crashed', why: `no result, exit code ${run.exitCode}: ${lastLine(run.stderr)}` };
  const violation = result.violations?.[0];
  if (run.exitCode === 0 && result.ok === true && violation === undefined) {
    return { kind: 'survived', seeds: result.seeds };
  }
  // Too little happened: that says nothing of whether the suite would see the bug.
  if (violation?.rule === 'coverage') return { kind: 'survived', seeds: result.seeds };
  if (run.exitCode !== 1 || typeof violation?.rule !== 'string' || violation.rule === '') {
    return { kind: 'crashed', why: `exit code ${run.exitCode}, and no violation of a rule: ${lastLine(run.stderr)}` };
  }
  const text = `${violation.rule}: ${violation.message ?? ''}`;
  if (programError.test(text)) return { kind: 'crashed', why: `seed ${violation.seed}: ${firstLine(text)}` };
  return { kind: 'caught', by: violation.rule, seeds: violation.seed };
}

/** `report` is what vitest's JSON reporter wrote, null when it wrote nothing. */
export function judgeTest(run, report) {
  if (run.timedOut) return { kind: 'crashed', why: 'it did not come to an end' };
  if (report === null) return { kind: 'crashed', why: `no result, exit code ${run.exitCode}: ${lastLine(run.stderr)}` };
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const failed = tests.filter((test) => test.status === 'failed');
  if (run.exitCode === 0 && failed.length === 0 && tests.length > 0) return { kind: 'survived', seeds: 0 };
  const byCheck = failed.find((test) => !programError.test(test.failureMessages.join('\n')));
  if (byCheck !== undefined) return { kind: 'caught', by: byCheck.fullName, seeds: 0 };
  const broken = failed[0]?.failureMessages[0] ?? report.testResults.find(({ message }) => message)?.message;
  return { kind: 'crashed', why: firstLine(broken ?? `exit code ${run.exitCode}, and no test that failed`) };
}

function lastLineAsJson(text) {
  try {
    const value = JSON.parse(lastLine(text));
    return typeof value === 'object' ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function lastLine(text) {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

function firstLine(text) {
  return text.split('\n')[0];
}
