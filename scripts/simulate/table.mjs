/** The figures at the end of `npm run simulate`, for people and for programs. */
import { countOperations, isEnd, readLevels } from './operations.mjs';

const LEVELS = readLevels.map((level) => ({ name: `read ${level}`, title: level }));
LEVELS.find(({ title }) => title === 'bound').title = 'on a bound given before';
/** Figures of their own. */
const HEADLINES = { elections: 'election', crashes: 'crash', partitions: 'partition' };
/** What comes below: each thing in the first section that takes it, without the words that the title says already. */
const SECTIONS = [
  { title: 'writes by end', takes: (name) => isEnd('writes', name), prefix: 'write' },
  { title: 'reads without an answer', takes: (name) => isEnd('reads', name), prefix: 'read' },
  { title: 'bounds by end', takes: (name) => isEnd('bounds', name), prefix: 'bound', itself: 'given' },
  { title: 'requests for a bound inside the nodes', takes: startsWith('read'), prefix: 'read', itself: 'made' },
  { title: 'proposals inside the nodes', takes: startsWith('proposal'), prefix: 'proposal', itself: 'made' },
  { title: 'messages', takes: startsWith('message'), prefix: 'message' },
  { title: 'other faults and events', takes: () => true, prefix: '' },
];

/** The figures that everyone asks for first, then what they are made of, and whether the run was good at the end. */
export function table(run) {
  const { totals, violations, crash, interrupted, first, current } = run;
  const hours = totals.simulatedHours;
  const operations = countOperations(totals.counts);
  const rows = [
    ['seeds', `${totals.seeds} (${first} to ${current})`],
    ['simulated hours', hours.toFixed(hours < 1 ? 4 : 2)],
    ['simulated time per real time', `${totals.speedup.toFixed(0)}, in ${totals.seconds.toFixed(1)} s`],
    ['events', `${number(totals.events)} (${number(Math.round(totals.eventsPerSecond))} per second of real time)`],
    ['operations', number(operations.writes + operations.reads + operations.bounds)],
    ...Object.entries(operations).map(([title, times]) => [`  ${title}`, number(times)]),
    ['reads by level', ''],
    ...LEVELS.map(({ title, name }) => [`  ${title}`, number(totals.count(name))]),
    ...Object.entries(HEADLINES).map(([title, name]) => [title, number(totals.count(name))]),
    ['violations', number(violations.length)],
    ['hash of all traces', totals.hash],
  ];
  if (crash !== null) rows.push(['crashed at seed', String(crash.seed)]);
  if (interrupted) rows.push(['interrupted', 'yes']);
  rows.push(['', ''], ...sections(totals.counts));
  const width = Math.max(...rows.map(([title]) => title.length));
  const lines = rows.map(([title, value]) => `${title.padEnd(width)}  ${value}`.trimEnd());
  return [...lines, '', verdict(run)].join('\n');
}

/**
 * The one line of JSON: `{ ok, seeds, from, simulatedHours, speedup, events, hash, counts, violations, seconds }`,
 * and `crash`.
 */
export function jsonResult({ totals, violations, crash, interrupted, first }) {
  return {
    ok: violations.length === 0 && crash === null && !interrupted,
    ...{ seeds: totals.seeds, from: first },
    simulatedHours: round(totals.simulatedHours, 4),
    speedup: round(totals.speedup, 1),
    events: totals.events,
    hash: totals.hash,
    counts: Object.fromEntries([...totals.counts].sort(byName)),
    violations: violations.map(({ seed, rule, message }) => ({ seed, rule, message })),
    ...(crash === null ? {} : { crash: { seed: crash.seed, name: crash.name, message: crash.message } }),
    seconds: round(totals.seconds, 1),
  };
}

function verdict({ totals, violations, crash, interrupted }) {
  const found = violations.length === 0 ? 'no violation' : `${violations.length} violation(s)`;
  const end = `${crash === null ? '' : ', and the simulator crashed'}${interrupted ? ', interrupted' : ''}`;
  return `${found} in ${totals.seeds} seeds${end}`;
}

function sections(counts) {
  const shown = new Set([...LEVELS.map(({ name }) => name), ...Object.values(HEADLINES)]);
  const rest = [...counts].filter(([name]) => !shown.has(name)).sort(byName);
  const sectionOf = (name) => SECTIONS.find(({ takes }) => takes(name));
  return SECTIONS.flatMap((section) => {
    const entries = rest.filter(([name]) => sectionOf(name) === section);
    if (entries.length === 0) return [];
    const { title, prefix, itself } = section;
    const label = (name) => name.slice(prefix.length).trim() || itself;
    return [[title, ''], ...entries.map(([name, times]) => [`  ${label(name)}`, number(times)])];
  });
}

function startsWith(word) {
  return (name) => name === word || name.startsWith(`${word} `);
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
