/**
 * Runs every command and example of README.md and the guides, in order, against the built product. A document that says
 * something else than what happens is a defect, and must never be excused here.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { markdownFiles, root } from '../tidy/repository.js';
import { type Example, examples } from './examples.js';
import { Session } from './session.js';

const documents = markdownFiles().filter(({ path }) => path === 'README.md' || path.startsWith('docs/guides/'));

beforeAll(() => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
}, 120_000);

describe.each(documents)('$path', ({ text }) => {
  let session: Session;
  beforeAll(async () => {
    session = await Session.open();
  });
  afterAll(() => session.close(), 90_000);

  // Examples build upon those before them, so they are one test.
  it('says what happens', { timeout: 240_000 }, async () => {
    const found = examples(text);
    expect(found.length).toBeGreaterThan(0);
    for (const example of found) await runOrExplain(session, example);
  });
});

async function runOrExplain(session: Session, example: Example): Promise<void> {
  try {
    await session.run(example);
  } catch (error) {
    throw new Error(`line ${example.line}:\n${example.text}\n${(error as Error).message}`, { cause: error });
  }
}
