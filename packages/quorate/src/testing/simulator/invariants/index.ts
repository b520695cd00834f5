/** All invariants of the world, in the order in which they are checked: those that write the ledger come first. */
import type { Ledger } from '../ledger.js';
import type { Observer } from '../observer.js';
import { CommittedImmutable } from './committed-immutable.js';
import { CommittedOnQuorum } from './committed-on-quorum.js';
import { CutBehindSnapshots } from './cut-behind-snapshots.js';
import { DurableBeforeSent } from './durable-before-sent.js';
import { ElectionSafety } from './election-safety.js';
import { LeaderCompleteness } from './leader-completeness.js';
import { LogMatching } from './log-matching.js';
import { MatchIsReplicated } from './match-is-replicated.js';
import { MonotonicState } from './monotonic-state.js';
import { OrderOfIndexes } from './order-of-indexes.js';
import { ProposalOutcomes } from './proposal-outcomes.js';
import { ReadFreshness } from './read-freshness.js';
import { StateMachineSafety } from './state-machine-safety.js';
import { Votes } from './votes.js';

export { ReadsEndOnce } from './reads-end-once.js';
export { Violation } from './violation.js';

/** The invariants that need nothing but the ledger. */
export function safetyInvariants(ledger: Ledger): readonly Observer[] {
  return [
    new ElectionSafety(ledger),
    new CommittedOnQuorum(ledger),
    new LogMatching(),
    new LeaderCompleteness(ledger),
    new CommittedImmutable(ledger),
    new StateMachineSafety(ledger),
    new MatchIsReplicated(ledger),
    new MonotonicState(),
    new OrderOfIndexes(ledger),
    new CutBehindSnapshots(),
    new Votes(),
    new DurableBeforeSent(),
    new ReadFreshness(ledger),
    new ProposalOutcomes(ledger),
  ];
}
