/**
 * A state machine that applies entries in a way of its own: slowly, or not at all. Everything else must be the one that
 * it was made of.
 */
import type { ApplyEntry, StateMachine } from '../../../packages/quorate/src/index.js';

export function withApply<Command, Result, Tx>(
  machine: StateMachine<Command, Result, Tx>,
  apply: (entries: readonly ApplyEntry[]) => readonly (Result | null)[],
): StateMachine<Command, Result, Tx> {
  return {
    codec: machine.codec,
    failed: machine.failed,
    get appliedIndex() {
      return machine.appliedIndex;
    },
    get appliedTerm() {
      return machine.appliedTerm;
    },
    apply,
    snapshot: () => machine.snapshot(),
    restore: (chunks, view) => machine.restore(chunks, view),
    read: (fn) => machine.read(fn),
  };
}
