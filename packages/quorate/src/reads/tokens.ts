/**
 * Tokens: what a caller carries from one read or write to the next, so that a `session` read on any replica contains
 * it. To everybody else they are opaque. They are made of characters that are safe in URLs, headers and cookies, and
 * a text that was not made here must never pass for one: it fails with TokenMismatch, whatever it holds.
 *
 * Version 1 is `1`, the index and the term as nine base64url digits each, and the cluster id as it is.
 */
import { invariant, TokenMismatch } from '../errors/index.js';

/** What a token says. */
export interface Token {
  /** The cluster id of the history it belongs to. */
  readonly source: string;
  /**
   * The index of the **view** (never of the bound) that the token came from, or an upper limit of what that view
   * contains.
   */
  readonly index: number;
  /** For people who debug; nothing may depend on it. 0 when it was not known. */
  readonly term: number;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VERSION = '1';
/** Nine digits of six bits hold 2^53 − 1, the largest index there is. */
const DIGITS = 9;
const SOURCE_AT = VERSION.length + 2 * DIGITS;
const SOURCE = /^[A-Za-z0-9_-]{1,128}$/;
const TOKEN = /^1[A-Za-z0-9_-]{18}[A-Za-z0-9_-]{1,128}$/;

/** `source` is 1 to 128 letters, digits, `-` and `_`, as every cluster id is; `index` and `term` are 0 to 2^53 − 1. */
export function encodeToken(token: {
  readonly source: string;
  readonly index: number;
  readonly term?: number | undefined;
}): string {
  const { source, index, term = 0 } = token;
  invariant(SOURCE.test(source), 'a token belongs to a cluster id', { source });
  return VERSION + toDigits(index) + toDigits(term) + source;
}

/** Throws TokenMismatch for everything that {@link encodeToken} did not make. */
export function decodeToken(text: string): Token {
  if (typeof text !== 'string' || !TOKEN.test(text)) {
    throw new TokenMismatch('the token is malformed: pass it on exactly as it was received');
  }
  const index = fromDigits(text, VERSION.length);
  const term = fromDigits(text, VERSION.length + DIGITS);
  return { source: text.slice(SOURCE_AT), index, term };
}

/**
 * The token that contains both: the one of the larger index. Throws TokenMismatch when they are of different
 * clusters.
 */
export function mergeTokens(a: string, b: string): string {
  const first = decodeToken(a);
  const second = decodeToken(b);
  if (first.source !== second.source) {
    throw new TokenMismatch('the tokens are of different clusters, or one of them is from before a restore');
  }
  return second.index > first.index ? b : a;
}

function toDigits(value: number): string {
  invariant(Number.isSafeInteger(value) && value >= 0, 'a token holds whole numbers up to 2^53 - 1', { value });
  let rest = value;
  let text = '';
  for (let i = 0; i < DIGITS; i++) {
    text = ALPHABET.charAt(rest % 64) + text;
    rest = Math.floor(rest / 64);
  }
  return text;
}

function fromDigits(text: string, from: number): number {
  let value = 0;
  for (let i = from; i < from + DIGITS; i++) value = value * 64 + ALPHABET.indexOf(text.charAt(i));
  if (value > Number.MAX_SAFE_INTEGER) throw new TokenMismatch('the token is malformed: its index is out of range');
  return value;
}
