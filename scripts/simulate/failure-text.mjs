/**
 * What a person reads when a seed has failed: what broke, in which world, what happened before, how to see more. It
 * must be clear to someone who has never seen the project.
 */
import { legend } from './legend.mjs';
import { linesToRead, subjects } from './lines-to-read.mjs';
import { planText, words } from './plan-text.mjs';

const TRACE_LINES = 60;
/** So many lines in a row that differ in their values only are all shown. */
const MOST_ALIKE = 4;

export function violationText({ seed, rule, message, plan, trace, files = [] }) {
  const { when, sentence, facts } = partsOf(message, rule);
  // Of all seeds together, not of one.
  const isOfAll = rule === 'coverage' && plan === null;
  const lines = ['', `VIOLATION of the rule "${rule}"${isOfAll ? '' : `, at seed ${seed}${when}`}`];
  // The checker of histories tells what it found; every other check names what has to hold.
  const isFinding = facts === null || rule.startsWith('linearizability');
  lines.push(...labelled(isFinding ? 'found' : 'must hold', sentence));
  if (facts !== null) lines.push(...labelled(isFinding ? 'in' : 'found', factsText(facts)));
  if (!isOfAll) {
    lines.push('', `replay: npm run simulate -- --seed ${seed}`);
    if (files.length === 0) lines.push('        (the same once more; it writes the whole trace to a file)');
    for (const file of files) lines.push(`the whole trace: ${file}`);
    lines.push('add it to test/simulation/seeds.json, where failing seeds stay for ever');
  }
  if (plan !== null) lines.push('', 'the world of this seed:', planText(plan));
  if (trace !== null && trace.length > 0) lines.push('', ...traceText(trace, facts ?? {}));
  return `${lines.join('\n')}\n`;
}

export function crashText({ seed, name, message, stack = '' }) {
  const lines = ['', `CRASH of the simulator, which says nothing of the rules, at seed ${seed}`];
  lines.push(stack === '' ? `${name}: ${message}` : stack, '', `replay: npm run simulate -- --seed ${seed}`);
  return `${lines.join('\n')}\n`;
}

/** A message is `seed 3 after 10 virtual ms: RULE: SENTENCE {FACTS}`, of which any part may be missing. */
function partsOf(message, rule) {
  const [, ms, text] = /^seed \d+ after (\d+) virtual ms: (.*)$/s.exec(message) ?? [null, null, message];
  const when = ms === null ? '' : `, after ${ms} ms of simulated time`;
  const known = [`${rule}: `, 'invariant violated: '].find((prefix) => text.startsWith(prefix)) ?? '';
  const said = text.slice(known.length);
  const [, sentence, json] = /^(.*?) ?(\{.*\})$/s.exec(said) ?? [null, said, ''];
  try {
    return { when, sentence, facts: JSON.parse(json) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { when, sentence: said, facts: null };
  }
}

function factsText(facts) {
  const value = (fact) => (typeof fact === 'string' ? fact : JSON.stringify(fact));
  return Object.entries(facts)
    .map(([name, fact]) => `${words(name)} ${value(fact)}`)
    .join(', ');
}

/** What is said may have many lines. */
function labelled(label, text) {
  return text.split('\n').map((line, position) => `  ${(position === 0 ? `${label}:` : '').padEnd(11)}${line}`);
}

function traceText(trace, facts) {
  const about = subjects(facts);
  const toRead = linesToRead(trace, about);
  const first = toRead.map((position) => trace[position]);
  const end = endOf(trace, new Set(toRead));
  const text = [];
  if (first.length > 0) {
    text.push(`the lines to read first, on ${aboutText(about)} (virtual ms, what happened):`);
    text.push(...first.map((line) => `  ${line}`), '');
  }
  text.push(`the last ${end.length} lines of the trace (virtual ms, what happened; * is also above):`, ...end);
  const meanings = legend(facts, [...first, ...end.map((line) => line.slice(2))]);
  if (meanings.length > 0) text.push('', 'the words:', ...meanings.map((line) => `  ${line}`));
  return text;
}

function aboutText({ clients, nodes, places }) {
  const list = (title, values) => (values.length === 0 ? [] : [`${title} ${values.join(' and ')}`]);
  return [...list('client', clients), ...list('node', nodes), ...list('index', places)].join(', ');
}

/** The last lines; many of a kind in a row become the first and the last of them, unless they are to be read. */
function endOf(trace, toRead) {
  const text = [];
  for (let last = trace.length - 1; last >= 0 && text.length < TRACE_LINES; ) {
    let first = last;
    const isAlike = () => !toRead.has(first - 1) && first > 0 && shapeOf(trace[first - 1]) === shapeOf(trace[last]);
    while (!toRead.has(last) && isAlike()) first -= 1;
    const run = trace.slice(first, last + 1).map((line) => `${toRead.has(last) ? '*' : ' '} ${line}`);
    if (run.length > MOST_ALIKE) run.splice(1, run.length - 2, `  … ${run.length - 2} lines like these …`);
    text.unshift(...run);
    last = first - 1;
  }
  return text.slice(-TRACE_LINES);
}

/** A line without its time and its values, but with its nodes. */
function shapeOf(line) {
  return line.replace(/^\S+ /, '').replaceAll(/(?<!\bn)(null|\d+)/g, '0');
}
