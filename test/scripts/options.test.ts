/** How the scripts read their options: by name and type of the defaults, and nothing is guessed. */
import { expect, it } from 'vitest';
import { readOptions } from '../../scripts/options.mjs';

const defaults = { rounds: 100, applyDelayMs: 0, store: 'memory', verbose: false };

it('defaults hold where nothing is given', () => {
  expect(readOptions([], defaults)).toEqual(defaults);
});

it('a value has the type of its default', () => {
  const given = ['--rounds', '7', '--apply-delay-ms', '2.5', '--store', 'lmdb', '--verbose'];
  expect(readOptions(given, defaults)).toEqual({ rounds: 7, applyDelayMs: 2.5, store: 'lmdb', verbose: true });
});

it.each([
  [['--round', '7'], 'unknown option --round; there are: --rounds, --apply-delay-ms, --store, --verbose'],
  [['7'], 'unknown option 7'],
  [['--rounds'], '--rounds needs a value'],
  [['--rounds', 'many'], '--rounds must be a number of at least 0, received "many"'],
  [['--rounds', '-1'], '--rounds must be a number'],
  [['--rounds', ''], '--rounds must be a number'],
  [['--rounds', 'Infinity'], '--rounds must be a number'],
])('%j is refused', (given, sentence) => {
  expect(() => readOptions(given, defaults)).toThrow(sentence);
});
