/**
 * What a client may be told of its write: that it is at an index where the committed log has it, or an error that says
 * whether it may still come. It must never take any error but `not-applied` for a proof that a write is absent.
 */
import { type Outcome, QuorateError } from '../../errors/index.js';
import { decodeToken } from '../../reads/tokens.js';
import type { WriteOperation } from './client-operation.js';
import { check } from './invariants/violation.js';
import { judgeReason } from './judge-end.js';
import type { Ledger } from './ledger.js';

const RULE = 'client oracle';

/** Throws a Violation unless the acknowledgement is true. */
export function judgeWrite<Command, Result>(
  operation: WriteOperation<Command, Result>,
  answer: { readonly index: number; readonly term: number; readonly token: string },
  ledger: Ledger,
): void {
  const { bytes, ifTerm, floor, session, number, node } = operation;
  const { index, term, token } = answer;
  const context = { client: number, node, index, term };
  const entry = ledger.committed[index - 1];
  check(entry !== undefined, RULE, 'an acknowledged write is committed', context);
  check(entry.term === term, RULE, 'an acknowledged write has the term of its entry', {
    ...context,
    entry: entry.term,
  });
  const isOwn = entry.kind === 'command' && Buffer.compare(entry.data, bytes) === 0;
  check(isOwn, RULE, 'an acknowledged write is the command at its index', { ...context, kind: entry.kind });
  check(index > floor, RULE, 'a write comes after everything that was told before it', { ...context, floor });
  check(ifTerm === undefined || ifTerm === term, RULE, 'a fenced write is applied in its term', { ...context, ifTerm });
  const tokenIndex = decodeToken(token).index;
  check(tokenIndex === index, RULE, 'the token of a write is that of its index', { ...context, tokenIndex });
  const seen = session?.index ?? 0;
  check(index > seen, 'token goes back', 'a write comes after what its session has seen', { ...context, seen });
}

/** Throws a Violation unless the error is one that a write may end with. */
export function judgeWriteError<Command, Result>(
  operation: WriteOperation<Command, Result>,
  error: unknown,
): { readonly code: string; readonly outcome: Outcome } {
  const { number, node, ifTerm } = operation;
  const context = { client: number, node, error: String(error) };
  check(error instanceof QuorateError, RULE, 'a write fails with an error of the library', context);
  const { code, outcome } = error;
  check(outcome !== null, RULE, 'the error of a write says what became of it', context);
  check(code !== 'InvalidArgument', RULE, 'a write that is right is not called wrong', context);
  check(code !== 'TermChanged' || ifTerm !== undefined, RULE, 'only a fenced write meets its fence', context);
  judgeReason(operation, code);
  return { code, outcome };
}
