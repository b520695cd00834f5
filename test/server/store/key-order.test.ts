/** The order of keys against the bytes they stand for. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareKeys } from '../../../packages/server/src/store/key-order.js';

/** Code points around every place where UTF-16 and UTF-8 differ, and few of them, so that keys share beginnings. */
const critical = fc
  .constantFrom('a', 'b', '\u0000', '\u007f', '\u0080', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff')
  .chain((unit) => fc.constantFrom(unit, '\u{10000}', '\u{10ffff}', '\u{1f600}'));
const keys = fc.oneof(
  fc.array(critical, { maxLength: 6 }).map((units) => units.join('')),
  fc.string({ unit: 'binary' }),
);

test('keys compare as their UTF-8 bytes do', () => {
  fc.assert(
    fc.property(keys, keys, (left, right) => {
      const expected = Buffer.compare(Buffer.from(left), Buffer.from(right));
      expect(Math.sign(compareKeys(left, right))).toBe(expected);
    }),
    { numRuns: 20_000 },
  );
});

test('a key beyond the basic plane comes after one at its end, unlike in JavaScript', () => {
  expect('\uffff' < '\u{10000}').toBe(false);
  expect(compareKeys('\uffff', '\u{10000}')).toBeLessThan(0);
});
