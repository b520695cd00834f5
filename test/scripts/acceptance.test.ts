/** The runner of the scenarios, as a person at a shell meets it; the scenarios themselves are run elsewhere. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../tidy/repository.js';

function acceptance(...args: readonly string[]) {
  const script = join(root, 'scripts/acceptance.mjs');
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
}

it('names the scenarios, with exit code 2, when there is none of that name', () => {
  const { status, stdout, stderr } = acceptance('no-such-scenario');
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain('there is no scenario no-such-scenario; there are: ');
  expect(stderr).toContain('stale-reads');
  expect(acceptance().status).toBe(2);
});
