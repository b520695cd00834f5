/**
 * What an invariant of the world throws. It names the rule, so that a failing seed says at once what is broken; it
 * must never be caught by anything but the runner of the world.
 */

/** A rule of Raft or of the read path was broken by the nodes of the world. */
export class Violation extends Error {
  /** The name of the invariant. */
  readonly rule: string;

  constructor(rule: string, message: string, context: Readonly<Record<string, unknown>>) {
    super(`${rule}: ${message} ${JSON.stringify(context)}`);
    this.name = 'Violation';
    this.rule = rule;
  }
}

/** Throws a {@link Violation} unless `condition` holds. */
export function check(
  condition: boolean,
  rule: string,
  message: string,
  context: Readonly<Record<string, unknown>>,
): asserts condition {
  if (!condition) throw new Violation(rule, message, context);
}
