/**
 * The one check of whole numbers in options and arguments, so that every refusal names the option, the range and the
 * value in the same words. It must never correct a value.
 */
import { InvalidArgument } from './request-errors.js';

/**
 * Returns `value` if it is a whole number from `least` to `most` (default 2^53 − 1). Throws InvalidArgument
 * otherwise.
 */
export function checkInteger(field: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const largest = most === Number.MAX_SAFE_INTEGER ? '2^53 - 1' : most;
  throw new InvalidArgument({ field, expected: `a whole number from ${least} to ${largest}`, received: value });
}
