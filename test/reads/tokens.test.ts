/**
 * Tokens: what goes in comes out, and nothing else is taken for one. They travel through URLs, headers and cookies,
 * and come back from strangers.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantViolation, TokenMismatch } from '../../packages/quorate/src/errors/index.js';
import { decodeToken, encodeToken, mergeTokens } from '../../packages/quorate/src/reads/index.js';

const letters = [...'ABCXYZabcxyz0189-_'];
const sources = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 128 });
const numbers = fc.oneof(fc.maxSafeNat(), fc.nat(100), fc.constantFrom(0, 63, 64, 2 ** 32, Number.MAX_SAFE_INTEGER));
const tokens = fc.record({ source: sources, index: numbers, term: numbers });

describe('a token', () => {
  it('comes back as what it was made of, whatever index and cluster id', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        expect(decodeToken(encodeToken(token))).toEqual(token);
      }),
    );
  });

  it('needs no term', () => {
    expect(decodeToken(encodeToken({ source: 'f00d', index: 7 }))).toEqual({ source: 'f00d', index: 7, term: 0 });
  });

  it('has only characters that are safe in URLs, headers and cookies, and stays short', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        const text = encodeToken(token);
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(encodeURIComponent(text)).toBe(text);
        expect(text.length).toBeLessThan(20 + token.source.length);
      }),
    );
  });

  it('is not made for a state without a cluster id, or an index out of range', () => {
    expect(() => encodeToken({ source: '', index: 1 })).toThrow(InvariantViolation);
    expect(() => encodeToken({ source: 'f00d', index: -1 })).toThrow(InvariantViolation);
    expect(() => encodeToken({ source: 'f00d', index: 2 ** 53 })).toThrow(InvariantViolation);
    expect(() => encodeToken({ source: 'f00d', index: 1.5 })).toThrow(InvariantViolation);
  });
});

describe('what is not a token', () => {
  it('is refused with TokenMismatch: also a token that was cut, lengthened or changed in its version', () => {
    const refused = (text: string) => {
      expect(() => decodeToken(text)).toThrow(TokenMismatch);
    };
    const whole = encodeToken({ source: 'f00d', index: 7, term: 3 });
    for (const text of ['', ' ', whole.slice(0, 19), `${whole} `, ` ${whole}`, `2${whole.slice(1)}`, `${whole}=`]) {
      refused(text);
    }
    for (const text of [
      `${whole}\n`,
      whole.repeat(9),
      `1${'_'.repeat(18)}f00d`,
      `1${'A'.repeat(9)}${'_'.repeat(9)}f00d`,
    ]) {
      refused(text);
    }
    for (const value of [null, undefined, 7, {}, [whole]]) refused(value as unknown as string);
  });

  it('is never taken for more than it says: what decodes is what would be encoded', () => {
    const almost = fc
      .tuple(tokens, fc.nat(200), fc.string({ minLength: 1, maxLength: 2 }))
      .map(([token, at, noise]) => {
        const text = encodeToken(token);
        return text.slice(0, at % text.length) + noise + text.slice((at % text.length) + 1);
      });
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), almost), (text) => {
        let decoded: ReturnType<typeof decodeToken>;
        try {
          decoded = decodeToken(text);
        } catch (error) {
          expect(error).toBeInstanceOf(TokenMismatch);
          return;
        }
        expect(encodeToken(decoded)).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('two tokens', () => {
  it('merge to the one that contains both', () => {
    const at = (index: number) => encodeToken({ source: 'f00d', index });
    expect(mergeTokens(at(3), at(9))).toBe(at(9));
    expect(mergeTokens(at(9), at(3))).toBe(at(9));
    expect(mergeTokens(at(9), at(9))).toBe(at(9));
  });

  it('of different clusters do not merge', () => {
    const [one, other] = ['f00d', 'beef'].map((source) => encodeToken({ source, index: 1 })) as [string, string];
    expect(() => mergeTokens(one, other)).toThrow(TokenMismatch);
    expect(() => mergeTokens(one, 'garbage')).toThrow(TokenMismatch);
  });
});
