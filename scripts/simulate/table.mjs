/** The figures at the end of `npm run simulate`, for people and for programs. */
import { countOperations } from './operations.mjs';

/** Things of a kind are counted as `read linearizable`, `message lost` and so on. */
const GROUPS = ['read', 'write', 'bound', 'proposal', 'message'];
/** Figures of their own in the table. */
const HEADLINES = { elections: 'election', crashes: 'crash', partitions: 'partition' };

export function table({ totals, violations, crash, interrupted, first, current }) {
  const hours = totals.simulatedHours;
  const { writes, reads, bounds } = countOperations(totals.counts);
  const headlines = Object.values(HEADLINES);
  const rest = [...totals.counts].filter(([name]) => !headlines.includes(name)).sort(byName);
  const ofNoGroup = rest.filter((entry) => !GROUPS.some((group) => isIn(group)(entry)));
  const rows = [
    ['seeds', `${totals.seeds} (${first} to ${current})`],
    ['simulated hours', hours.toFixed(hours < 1 ? 4 : 2)],
    ['simulated time per real time', `${totals.speedup.toFixed(0)}, in ${totals.seconds.toFixed(1)} s`],
    ['operations', number(writes + reads + bounds)],
    ...Object.entries({ writes, reads, bounds }).map(([title, times]) => [`  ${title}`, number(times)]),
    ...Object.entries(HEADLINES).map(([title, name]) => [title, number(totals.count(name))]),
    ...GROUPS.flatMap((group) => section(`${group}s, by kind`, rest.filter(isIn(group)), group.length)),
    ...section('other faults and events', ofNoGroup, 0),
    ['violations', number(violations.length)],
  ];
  if (crash !== null) rows.push(['crashed at seed', String(crash.seed)]);
  if (interrupted) rows.push(['interrupted', 'yes']);
  const width = Math.max(...rows.map(([title]) => title.length));
  return rows.map(([title, value]) => `${title.padEnd(width)}  ${value}`.trimEnd()).join('\n');
}

/** The one line of JSON: `{ ok, seeds, from, simulatedHours, speedup, counts, violations, seconds }`, and `crash`. */
export function jsonResult({ totals, violations, crash, interrupted, first }) {
  return {
    ok: violations.length === 0 && crash === null && !interrupted,
    ...{ seeds: totals.seeds, from: first },
    simulatedHours: round(totals.simulatedHours, 4),
    speedup: round(totals.speedup, 1),
    counts: Object.fromEntries([...totals.counts].sort(byName)),
    violations: violations.map(({ seed, rule, message }) => ({ seed, rule, message })),
    ...(crash === null ? {} : { crash: { seed: crash.seed, name: crash.name, message: crash.message } }),
    seconds: round(totals.seconds, 1),
  };
}

function section(title, entries, prefixLength) {
  if (entries.length === 0) return [];
  return [
    [title, ''],
    ...entries.map(([name, times]) => [`  ${name.slice(prefixLength).trim() || 'all'}`, number(times)]),
  ];
}

function isIn(group) {
  return ([name]) => name === group || name.startsWith(`${group} `);
}

function byName([a], [b]) {
  return a < b ? -1 : 1;
}

function number(value) {
  return value.toLocaleString('en-US');
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}
