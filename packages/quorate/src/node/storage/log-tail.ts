/**
 * The end of a log, and the one place that says how a step may change it. Used when steps are taken and again when they
 * are read back: a step that breaks these rules must never be written, nor be believed when it is found.
 */
import { FROM_THE_BEGINNING, type HardState, type LogStart } from '../../core/index.js';
import { invariant } from '../../errors/index.js';
import type { LogAppend } from './log-storage.js';

export interface LogTail {
  readonly hardState: HardState;
  /** The last entry, or where the log begins when it has none. */
  readonly last: LogStart;
}

export const EMPTY_TAIL: LogTail = { hardState: { term: 0, vote: null, commit: 0 }, last: FROM_THE_BEGINNING };

/** The tail after a step. Throws InvariantViolation when the step does not fit the log. */
export function tailAfter(tail: LogTail, { restart = null, hardState, entries }: LogAppend): LogTail {
  checkHardState(tail.hardState, hardState);
  if (restart !== null) {
    const context = { restart: restart.index, commit: tail.hardState.commit };
    invariant(restart.index > tail.hardState.commit, 'a log begins anew behind all that is committed in it', context);
    invariant(hardState.commit >= restart.index, 'what is in a snapshot is committed', context);
  }
  let last = restart ?? tail.last;
  const first = entries[0];
  if (first !== undefined) {
    invariant(first.index <= last.index + 1, 'a step leaves no gap in the log', {
      first: first.index,
      last: last.index,
    });
    invariant(
      first.index > tail.hardState.commit && first.index > (restart?.index ?? 0),
      'a committed entry is never superseded',
      {
        first: first.index,
        commit: tail.hardState.commit,
      },
    );
    if (first.index <= last.index) last = { index: first.index - 1, term: 0, timestampMs: 0 };
  }
  for (const { index, term, timestampMs } of entries) {
    invariant(index === last.index + 1 && term >= last.term && term >= 1, 'entries are consecutive, terms never fall', {
      index,
      term,
      last,
    });
    last = { index, term, timestampMs };
  }
  invariant(last.term <= hardState.term, 'no entry is of a term that the node has not reached', { last, hardState });
  invariant(hardState.commit <= last.index, 'only entries of the log are committed', { last, hardState });
  return { hardState, last };
}

/** Raft, Figure 2: the term never falls, there is one vote a term (R11), what is committed stays committed. */
function checkHardState(before: HardState, after: HardState): void {
  const sameVote = after.vote === before.vote || before.vote === null;
  invariant(
    after.term > before.term || (after.term === before.term && sameVote),
    'the term never falls, and a vote is never changed within a term',
    { before, after },
  );
  invariant(after.commit >= before.commit, 'the commit index never falls', { before, after });
}
