/**
 * The exit codes of the command, and which error ends with which. Scripts rely on them: none may ever change its
 * meaning.
 */
import { QuorateError } from 'quorate/errors';

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conditionNotMet: 4,
  unavailable: 5,
  outcomeUnknown: 6,
  /** `check-history` only: its 0, 1 and 2 are verdicts, and whatever else goes wrong with it is `noVerdict`. */
  notLinearizable: 1,
  verdictUnknown: 2,
  noVerdict: 64,
} as const;

/** Ends the command with this code; the message, one sentence, goes to standard error. */
export class CommandFailed extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.name = 'CommandFailed';
    this.exitCode = exitCode;
  }
}

/** "Outcome unknown" goes before everything else: a script must not repeat such a write unawares. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandFailed) return error.exitCode;
  if (!(error instanceof QuorateError)) return EXIT.failed;
  if (error.outcome === 'unknown') return EXIT.outcomeUnknown;
  switch (error.code) {
    case 'ConditionFailed':
    case 'TermChanged':
      return EXIT.conditionNotMet;
    case 'InvalidArgument':
      return EXIT.usage;
    default:
      return error.retryable ? EXIT.unavailable : EXIT.failed;
  }
}
