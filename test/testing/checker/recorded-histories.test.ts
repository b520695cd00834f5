/**
 * Histories with known verdicts that are not part of this repository: `QUORATE_HISTORIES`, or `../shared/histories`
 * beside it, is a folder with `VERDICTS.tsv` (file, verdict) in it or in its subfolders. Where there is none this suite
 * is skipped, and says so; where `QUORATE_REQUIRE` lists `histories`, that is a failure.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, test } from 'vitest';
import { checkOperations, defaultModel } from '../../../packages/quorate/src/testing/checker/index.js';
import { parseHistory } from '../../../packages/quorate/src/testing/history/index.js';

const beside = fileURLToPath(new URL('../../../../shared/histories', import.meta.url));
const { QUORATE_HISTORIES: root = beside, QUORATE_REQUIRE = '' } = process.env;
const required = QUORATE_REQUIRE.split(',').includes('histories');

/** Files and verdicts; files that say it in their names (`c01-ok.txt`, `bad.edn`, `stale.jepsen.log`) included. */
const expected = existsSync(root) ? verdictsIn(root) : [];

function verdictsIn(folder: string): readonly (readonly [file: string, verdict: string])[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const listed = entries.some(({ name }) => name === 'VERDICTS.tsv')
    ? readFileSync(join(folder, 'VERDICTS.tsv'), 'utf8').trim().split('\n')
    : [];
  return [
    ...entries.filter((entry) => entry.isDirectory()).flatMap(({ name }) => verdictsIn(join(folder, name))),
    ...listed
      .map((line) => line.split('\t'))
      .map(([file, verdict]) => [join(folder, `${file}`), `${verdict}`] as const),
    ...entries.flatMap(({ name }) => {
      const [, word] = /\b(ok|bad|stale)\.(edn|jepsen\.log|txt)$/.exec(name) ?? [];
      const verdict = word === 'ok' ? 'linearizable' : 'not-linearizable';
      return word === undefined ? [] : [[join(folder, name), verdict] as const];
    }),
  ];
}

if (expected.length === 0) {
  test.skipIf(!required)(
    'recorded histories: there are none in ../shared/histories, nor does QUORATE_HISTORIES name others',
    () => {
      expect(expected).not.toEqual([]);
    },
  );
}

it.each(expected)('%s is %s', (file, verdict) => {
  const operations = parseHistory(readFileSync(file, 'utf8'));
  expect(checkOperations(operations, { model: defaultModel(operations) }).verdict).toBe(verdict);
});
