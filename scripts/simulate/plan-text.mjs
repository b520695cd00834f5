/** A plan in a few readable lines, whatever its fields are: one line for each part of it. */

/** `maxAppendBytes` in words: `max append bytes`. */
export function words(name) {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** One line for the numbers of the plan itself, then one for each of its parts. */
export function planText(plan) {
  const isPart = (value) => typeof value === 'object' && value !== null && !isRange(value) && !Array.isArray(value);
  const entries = Object.entries(plan);
  const own = entries.filter(([, value]) => !isPart(value));
  const parts = entries.filter(([, value]) => isPart(value));
  return [
    `  ${describe(own)}`,
    ...parts.map(([name, part]) => {
      const text = name === 'faults' ? describeFaults(Object.entries(part)) : describe(Object.entries(part));
      return `  ${words(name)}: ${text || 'none'}`;
    }),
  ].join('\n');
}

function describe(entries) {
  return entries.map(([name, value]) => describeOne(name, value)).join(', ');
}

function describeOne(name, value) {
  if (typeof value === 'boolean') return `${words(name)} ${value ? 'yes' : 'no'}`;
  const isTime = name.endsWith('Ms');
  const label = words(isTime ? name.slice(0, -2) : name);
  return `${label} ${valueText(value)}${isTime ? ' ms' : ''}`;
}

function valueText(value) {
  if (value === null) return 'none';
  if (Array.isArray(value)) return value.join(' or ');
  if (isRange(value)) return value.min === value.max ? String(value.min) : `${value.min} to ${value.max}`;
  return typeof value === 'object' ? `(${describe(Object.entries(value))})` : String(value);
}

/** Those that are on; a number is the mean time between two. */
function describeFaults(entries) {
  const on = entries.filter(([, value]) => value !== null && value !== false);
  const text = ([name, value]) =>
    typeof value === 'number' ? `${words(name)} about every ${value} ms` : describeOne(name, value);
  return on.map(text).join(', ');
}

function isRange(value) {
  return typeof value === 'object' && value !== null && 'min' in value && 'max' in value;
}
