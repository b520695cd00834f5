/**
 * Enforces STYLE.md and the import directions. Every rule is first shown a sample that breaks it: a rule that cannot
 * fail is not a rule, and must never be kept.
 */
import { describe, expect, it } from 'vitest';
import { bannedSynonyms, deadLinks, missingFunctions, namedFunctions, usesOf } from './document-rules.js';
import { importRules } from './import-rules.js';
import { purityRules } from './purity-rules.js';
import { entryPoints, missingEntryPoints, unreached } from './reachability.js';
import { markdownFiles, read, sourceFile, sourceFiles } from './repository.js';
import type { Rule } from './rule.js';
import { sizeRules } from './size-rules.js';
import { styleRules } from './style-rules.js';

const files = sourceFiles();
const documents = markdownFiles();
const rules: readonly Rule[] = [...importRules, ...purityRules, ...sizeRules, ...styleRules];

describe('the sources', () => {
  it('are found: there are files of both packages, of tests and of scripts', () => {
    for (const folder of ['packages/quorate/src/', 'packages/server/src/', 'test/', 'scripts/']) {
      expect(files.filter(({ path }) => path.startsWith(folder)).length, folder).toBeGreaterThan(3);
    }
    const sizes = files.map((file) => file.lines.length).sort((a, b) => a - b);
    console.log(`${files.length} files, median ${sizes[sizes.length >> 1]} lines, longest ${sizes.at(-1)}`);
  });

  it.each(rules)('$name', (rule) => {
    const faults = files.flatMap((file) => rule.check(file).map((fault) => `${file.path}: ${fault}`));
    expect(faults).toEqual([]);
  });

  it('are all reached from an entry point', () => {
    const testKit = files.filter(({ path }) => path.startsWith('packages/quorate/src/testing/'));
    const tests = files.filter(({ path }) => path.startsWith('test/'));
    const usedByTests = new Set([...tests, ...testKit].map(({ path }) => path));
    for (const path of unreached(
      [...tests, ...testKit],
      tests.map((file) => file.path),
    ))
      usedByTests.delete(path);
    for (const folder of ['packages/quorate', 'packages/server']) {
      expect(missingEntryPoints(folder)).toEqual([]);
      const sources = files.filter(({ path }) => path.startsWith(`${folder}/src/`));
      expect(unreached(sources, entryPoints(folder)).filter((path) => !usedByTests.has(path))).toEqual([]);
    }
  });
});

describe('a rule', () => {
  it.each(rules)('catches what breaks it: $name', (rule) => {
    for (const { path, text } of rule.bad) {
      expect(rule.check(sourceFile(path, text)), text.slice(0, 200)).not.toEqual([]);
    }
  });

  it.each(rules)('lets through what keeps it: $name', (rule) => {
    for (const { path, text } of rule.good ?? []) {
      expect(rule.check(sourceFile(path, text)), text.slice(0, 200)).toEqual([]);
    }
  });

  it('finds a file that no entry point reaches, and follows every kind of import', () => {
    const sources = [
      sourceFile('a/index.ts', "export * from './b.js'; import type { C } from './c.js'; import('./d.js');"),
      sourceFile('a/b.ts', "new Worker(new URL('./e.js', import.meta.url));"),
      ...['a/c.ts', 'a/d.ts', 'a/e.ts', 'a/dead.ts'].map((path) => sourceFile(path, '')),
    ];
    expect(unreached(sources, ['a/index.ts'])).toEqual(['a/dead.ts']);
  });
});

describe('the documents', () => {
  const synonyms = bannedSynonyms(read('docs/reference/glossary.md'));

  it('have no dead links', () => {
    const dead = documents.flatMap((document) => deadLinks(document).map((fault) => `${document.path}: ${fault}`));
    expect(dead).toEqual([]);
  });

  it('are known not to have dead links because dead ones are found', () => {
    const dead = (text: string) => deadLinks({ path: 'docs/guides/x.md', text }).length;
    expect(dead('[a](no-such-file.md)')).toBe(1);
    expect(dead('[a](../../README.md#no-such-heading)')).toBe(1);
    expect(dead('[a](#none)')).toBe(1);
    const alive = '[a](docs/guides/embedding.md) [b](#here) [c](https://example.org/x)\n\n## Here\n';
    expect(deadLinks({ path: 'README.md', text: alive })).toEqual([]);
  });

  it('and the sources use the words of the glossary', () => {
    const texts = [...documents.filter(({ path }) => path !== 'docs/reference/glossary.md'), ...files];
    const checked = texts.filter(({ path }) => !path.startsWith('test/tidy/'));
    expect(synonyms.size).toBeGreaterThan(5);
    const faults = checked.flatMap(({ path, text }) => usesOf(synonyms, text).map((fault) => `${path}: ${fault}`));
    expect(faults).toEqual([]);
  });

  it('would be caught using other words', () => {
    const banned = bannedSynonyms('| Term | What | Not |\n|---|---|---|\n| `leader` | x | head node, *boss* |\n');
    expect(usesOf(banned, 'The boss leads.')).toHaveLength(1);
    expect(usesOf(banned, 'Two head-nodes.')).toHaveLength(1);
    expect(usesOf(banned, 'The leader. An embossed ahead node.')).toEqual([]);
  });

  it('name functions in ARCHITECTURE.md that exist', () => {
    const document = { path: 'ARCHITECTURE.md', text: read('ARCHITECTURE.md') };
    expect(namedFunctions(document).length).toBeGreaterThan(15);
    expect(missingFunctions(document)).toEqual([]);
  });

  it('would be caught naming functions that do not exist', () => {
    const path = 'packages/quorate/src/errors/invariant.ts';
    const missing = (text: string) => missingFunctions({ path: 'ARCHITECTURE.md', text });
    expect(missing(`[x](${path}) \`invariant()\` and \`absent()\``)).toEqual([`${path} declares no absent`]);
    expect(missing(`[x](packages/none.ts) \`invariant()\``)).toEqual(['there is no packages/none.ts']);
  });
});
