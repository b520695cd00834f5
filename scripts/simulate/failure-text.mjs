/** What a person reads when a seed has failed: what broke, in which world, what happened before, how to see more. */
import { planText } from './plan-text.mjs';

const TRACE_LINES = 60;

export function violationText({ seed, rule, message, plan, trace, files = [] }) {
  const lines = ['', `VIOLATION of the rule "${rule}"`, message];
  if (plan !== null) lines.push('', 'the plan of this seed:', planText(plan));
  if (trace !== null && trace.length > 0) {
    const end = trace.slice(-TRACE_LINES);
    lines.push(
      '',
      `the last ${end.length} lines of the trace (virtual ms, what happened):`,
      ...end.map((line) => `  ${line}`),
    );
  }
  for (const file of files) lines.push('', `the whole trace: ${file}`);
  if (rule !== 'coverage') {
    lines.push('', `replay: npm run simulate -- --seed ${seed}`);
    lines.push('add it to test/simulation/seeds.json, where failing seeds stay for ever');
  }
  return `${lines.join('\n')}\n`;
}

export function crashText({ seed, name, message, stack = '' }) {
  const lines = ['', `CRASH of the simulator, which says nothing of the rules, at seed ${seed}`];
  lines.push(stack === '' ? `${name}: ${message}` : stack, '', `replay: npm run simulate -- --seed ${seed}`);
  return `${lines.join('\n')}\n`;
}
