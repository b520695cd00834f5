/** A plan in a few readable lines, whatever its fields are: one line for each part of it. */

/** Parts whose names say too little to someone who has never seen a plan. */
const LABELS = {
  joint: 'begins in a joint configuration',
  faultsMs: 'faults and calls go on for',
  outsiders: 'nodes left out when it heals are',
  stragglers: 'messages that come late',
  straggleMs: 'late by up to',
  inOrder: 'delivered in order',
  cutsTakeMessages: 'partitions lose what is under way',
  reportsLoss: 'losses told to the sender',
  turnMs: 'inputs wait for',
  applyMs: 'an entry is applied in',
  durableState: 'applied data survive a crash',
  clockSkewMs: 'wall clocks differ by up to',
  clockDrift: 'clocks too fast or slow by up to',
  bursts: 'bursts of writes',
  readBursts: 'bursts of reads',
  aborts: 'calls that are aborted',
  fences: 'writes for one term only',
  throws: 'functions of reads that throw',
  lagLimits: 'reads with a limit for the lag',
  levels: 'reads by level, relative',
  quiet: 'writes that a pause of 1 to 3 s follows',
};

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
  if (typeof value === 'boolean') return `${LABELS[name] ?? words(name)} ${value ? 'yes' : 'no'}`;
  const isTime = name.endsWith('Ms');
  const label = LABELS[name] ?? words(isTime ? name.slice(0, -2) : name);
  const isShare = !isTime && typeof value === 'number' && value > 0 && value < 1;
  return `${label} ${isShare ? `${Number((100 * value).toPrecision(3))} %` : valueText(value)}${isTime ? ' ms' : ''}`;
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
