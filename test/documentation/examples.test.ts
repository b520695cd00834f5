/**
 * Shows that the test of the documents can fail: what it takes for an example, and which output it takes for the
 * expected one. It must stay small, for the test of the documents runs it as the example of `npm test`.
 */
import { expect, it } from 'vitest';
import { examples, outputMatches } from './examples.js';

it('shell and TypeScript blocks are examples, with the text block after them as their output', () => {
  const markdown = '```sh\nls\n```\n\nIt prints\n\n```text\na\n```\n\n```ts\nrun();\n```\n\n```mermaid\ngraph\n```\n';
  expect(examples(markdown)).toEqual([
    { language: 'sh', text: 'ls\n', line: 1, expected: 'a\n' },
    { language: 'ts', text: 'run();\n', line: 11, expected: null },
  ]);
});

it('a block that is neither run nor text is refused', () => {
  expect(() => examples('```js\nrun();\n```\n')).toThrow('line 1: a block of js');
  expect(() => examples('```\nrun\n```\n')).toThrow('line 1: a block of no language');
  expect(() => examples('```sh\nrun\n')).toThrow('never closed');
});

it('output is the expected one when all lines are, with `…` for anything', () => {
  expect(outputMatches('version …, token …\n', 'version 7, token abc\n')).toBe(true);
  expect(outputMatches('first\n…\nlast\n', 'first\na\nb\nlast\n')).toBe(true);
  expect(outputMatches('first\n…\nlast\n', 'first\nlast\n')).toBe(true);
  expect(outputMatches('a (b) $c\n', 'a (b) $c')).toBe(true);
});

it('output is not the expected one when a line is missing, added or different', () => {
  expect(outputMatches('first\nlast\n', 'first\n')).toBe(false);
  expect(outputMatches('first\n', 'first\nlast\n')).toBe(false);
  expect(outputMatches('first\n…\nlast\n', 'first\na\n')).toBe(false);
  expect(outputMatches('version …, token …\n', 'version 7\n')).toBe(false);
  expect(outputMatches('a.c\n', 'abc\n')).toBe(false);
  expect(outputMatches('a … c\n', 'a b\nc\n')).toBe(false);
});
