/**
 * The one assertion of the project. It states what must hold for the code around it to be right, and stays on in
 * production. It must never be used for something that can happen in a healthy program: expected failures are typed
 * errors.
 */

/**
 * An invariant of Quorate does not hold: a defect of Quorate (or of memory), never of its caller. The node must stop.
 */
export class InvariantViolation extends Error {
  readonly code = 'InvariantViolation';
  /** The values that the invariant speaks of. */
  readonly context: Readonly<Record<string, unknown>>;

  constructor(message: string, context: Readonly<Record<string, unknown>>) {
    super(`invariant violated: ${message} ${JSON.stringify(context)}`);
    this.name = 'InvariantViolation';
    this.context = context;
  }
}

/** Throws {@link InvariantViolation} unless `condition` holds. `message` says what should have held. */
export function invariant(
  condition: boolean,
  message: string,
  context: Readonly<Record<string, unknown>> = {},
): asserts condition {
  if (!condition) throw new InvariantViolation(message, context);
}

/** Closes a `switch` over a union: the compiler refuses it when a member is not handled. */
export function unreachable(value: never): never {
  throw new InvariantViolation('every member of the union is handled', { value });
}
