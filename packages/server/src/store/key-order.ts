/**
 * The order of keys: that of their UTF-8 bytes, which is the order of code points. JavaScript compares UTF-16 units,
 * which puts the surrogates (U+10000 and above) before U+E000–U+FFFF; a range served in that order would skip or
 * repeat keys.
 */

/** Negative, zero or positive, like `Buffer.compare` of the UTF-8 bytes. Both texts must be without lone surrogates. */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a !== b) return a >= 0xd800 && b >= 0xd800 ? codePointRank(a) - codePointRank(b) : a - b;
  }
  return left.length - right.length;
}

/** Moves the surrogates (D800–DFFF) behind everything else of the upper part (E000–FFFF). */
function codePointRank(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
