/** What a person reads when a server could not start, or had to stop: the reason, the place, the remedy. */
import { DiskFailed } from 'quorate/errors';
import { expect, test } from 'vitest';
import { startFailure } from '../../../packages/server/src/cli/start-failure.js';

function failure(code: string): DiskFailed {
  return new DiskFailed('the log cannot be written', { cause: Object.assign(new Error(code), { code }) });
}

test('a full disk asks for space, not for rights', () => {
  for (const code of ['ENOSPC', 'EDQUOT']) {
    const sentence = startFailure(failure(code), '/data/n1');
    expect(sentence).toContain(code);
    expect(sentence).toContain('/data/n1');
    expect(sentence).toContain('free some');
    expect(sentence).not.toContain('right');
  }
});

test('a directory that may not be written asks for rights', () => {
  expect(startFailure(failure('EACCES'), '/data/n1')).toMatch(/cannot be written \(EACCES\).*right/);
});
