/**
 * What an error of a run means: the violation of a rule, or a crash of the simulator. A mistake of a program must never
 * pass for a finding, for it says nothing of the rules.
 */

/** Errors that Quorate never throws on purpose. Those of its own have names of their own. */
const programErrors = new Set([
  ...['Error', 'AggregateError', 'AssertionError', 'EvalError', 'RangeError'],
  ...['ReferenceError', 'SyntaxError', 'SystemError', 'TypeError', 'URIError'],
]);

/**
 * `{ violation, crash }`, one of them null. A violation is `{ seed, rule, message, plan, trace }`, where plan and trace
 * are null when the error did not come from the world; a crash is `{ seed, name, message, stack }`.
 */
export function judge(error, seed) {
  const isFailure = error instanceof Error && error.name === 'SimulationFailure';
  const cause = isFailure ? error.cause : error;
  if (!(cause instanceof Error) || programErrors.has(cause.name))
    return { violation: null, crash: crashOf(cause, seed) };
  const { plan = null, trace = null } = isFailure ? error : {};
  return { violation: { seed, rule: ruleOf(cause), message: error.message, plan, trace }, crash: null };
}

function ruleOf(cause) {
  if (typeof cause.rule === 'string') return cause.rule;
  if (cause.name !== 'InvariantViolation') return cause.name;
  // Up to the values, which differ from seed to seed.
  return `invariant: ${cause.message.replace(/^invariant violated: /, '').replace(/ ?\{.*$/s, '')}`;
}

/** What a person has to know of an error that no rule speaks of. */
export function crashOf(cause, seed) {
  if (!(cause instanceof Error)) return { seed, name: 'thrown', message: String(cause), stack: '' };
  return { seed, name: cause.name, message: cause.message, stack: cause.stack ?? '' };
}
