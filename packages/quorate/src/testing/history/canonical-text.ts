/**
 * One text for each value: two values are equal exactly when their texts are. Registers hold anything that JSON can;
 * the checker compares texts. It must never tell apart what differs only in the order of the fields of an object.
 */

const DEEPEST = 100;

/** Throws RangeError for values nested deeper than 100 levels. */
export function canonicalText(value: unknown, depth = 0): string {
  if (depth > DEEPEST) throw new RangeError(`nested deeper than ${DEEPEST} levels`);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalText(item, depth + 1)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).map(([name, of]) => `${JSON.stringify(name)}:${canonicalText(of, depth + 1)}`);
  return `{${fields.sort().join(',')}}`;
}
